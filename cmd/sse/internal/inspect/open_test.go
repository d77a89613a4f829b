package inspect

import (
	"html"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// refreshURL returns the address to which a page leads.
func refreshURL(t *testing.T, page string) string {
	t.Helper()
	refresh := regexp.MustCompile(`http-equiv="refresh" content="0; url=([^"]+)"`)
	m := refresh.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page leads nowhere: %s", page)
	}
	return html.UnescapeString(m[1])
}

// newTestStartFile returns a file for the server of page, and the address in the file.
func newTestStartFile(t *testing.T, page string) (f *startFile, url string) {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.Split(page, "/")[2])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	f, err = newStartFile(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.remove() })
	content, err := os.ReadFile(f.name)
	if err != nil {
		t.Fatal(err)
	}
	return f, refreshURL(t, string(content))
}

func TestStartFileIsPrivate(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	f, _ := newTestStartFile(t, "http://127.0.0.1:1/x/")
	if runtime.GOOS == "linux" && filepath.Dir(f.dir) != home {
		t.Errorf("a Snap cannot read %s", f.dir)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]os.FileMode{f.dir: 0o700, f.name: 0o600} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s has the mode %o, want %o", name, got, want)
			}
		}
	}
	t.Setenv("HOME", filepath.Join(home, "missing"))
	if f, _ := newTestStartFile(t, "http://127.0.0.1:1/x/"); filepath.Dir(f.dir) == home {
		t.Errorf("the file is %s", f.name)
	}
}

func TestAddressInStartFileIsValidOnce(t *testing.T) {
	t.Parallel()
	s, page, g := serveGuarded(t, newOptions())
	f, url := newTestStartFile(t, page)
	if resp, _ := do(t, "GET", url, ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("without --open: %s", resp.Status)
	}
	g.start = f
	for _, test := range []struct {
		method, url string
		header      []string
		want        int
	}{
		{"GET", url, []string{"Host", "evil.test"}, http.StatusForbidden},
		{"HEAD", url, nil, http.StatusNotFound},
		{"GET", url + "setup", nil, http.StatusNotFound},
		{"GET", page, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
	} {
		resp, _ := do(t, test.method, test.url, "", test.header...)
		if resp.StatusCode != test.want {
			t.Errorf("%s %s with %q: %s", test.method, test.url, test.header, resp.Status)
		}
	}
	resp, body := do(t, "GET", url, "", "Sec-Fetch-Site", "cross-site")
	wantHeaders(t, "the first request", resp)
	if got := refreshURL(t, body); resp.StatusCode != http.StatusOK || got != "/"+s.token+"/" {
		t.Errorf("the first request: %s, leads to %s", resp.Status, got)
	}
	if _, err := os.Stat(f.dir); !os.IsNotExist(err) {
		t.Errorf("the file remains: %v", err)
	}
	if resp, _ := do(t, "GET", url, ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the second request: %s", resp.Status)
	}
}
