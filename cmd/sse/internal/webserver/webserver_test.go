package webserver

import (
	"net"
	"testing"
)

func TestParseAddr(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"8787": "127.0.0.1:8787", ":0": "127.0.0.1:0", "0.0.0.0:1": "0.0.0.0:1",
		"[::]:1": "[::]:1", "box.test:80": "box.test:80",
		"": "", "x": "", "x:y": "", ":99999": "", "::1": "", "1:2:3": "", "h:-1": "",
	} {
		got, err := ParseAddr(addr)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseAddr(%q) = %q, %v, want %q", addr, got, err, want)
		}
	}
}

func TestURLNamesThisMachine(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"127.0.0.1": "http://127.0.0.1:80/", "::1": "http://[::1]:80/",
		"0.0.0.0": "http://localhost:80/", "::": "http://localhost:80/",
	} {
		if got := URL(&net.TCPAddr{IP: net.ParseIP(ip), Port: 80}); got != want {
			t.Errorf("URL(%s) = %q, want %q", ip, got, want)
		}
	}
}
