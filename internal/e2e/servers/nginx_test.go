//go:build unix

package servers

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nginxConfig is the configuration of nginx without its address, the backend and what differs
// between the tests.
const nginxConfig = `
daemon off;
worker_processes 1;
pid nginx.pid;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	gzip_types text/event-stream;
	server {
		listen %s;
		location / {
			proxy_pass http://%s;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			%s
		}
	}
}
`

// startNginx returns a function that starts nginx as a proxy of a backend. directives is what the
// configuration of the location ends with.
func startNginx(directives string) func(t *testing.T) *server {
	return func(t *testing.T) *server {
		path := lookNginx(t)
		b := newBackend()
		srv := httptest.NewServer(b)
		t.Cleanup(srv.Close)
		t.Cleanup(srv.CloseClientConnections)

		// nginx inherits the socket, so that its port is free and accepts connections from now on.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		socket, err := listener.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()

		dir := t.TempDir()
		config := fmt.Sprintf(nginxConfig, listener.Addr(), srv.Listener.Addr(), directives)
		err = os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), path, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
		cmd.ExtraFiles = []*os.File{socket} // descriptor 3
		cmd.Env = append(os.Environ(), "NGINX=3;")
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // ends the worker too
		startProcess(t, cmd)
		return &server{
			addr:       listener.Addr().String(),
			httpClient: newHTTPClient(t, new(http.Transport)),
			grow:       b.log.Grow,
			cut:        b.cut,
			end:        b.end,
		}
	}
}

// lookNginx returns the path of nginx, which Debian installs where only root looks for programs.
func lookNginx(t *testing.T) string {
	if path, err := exec.LookPath("/usr/sbin/nginx"); err == nil {
		return path
	}
	return lookPath(t, "nginx")
}
