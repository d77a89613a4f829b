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
	"strings"
	"syscall"
	"testing"
)

// nginxConfig is the configuration of nginx without its address and the location.
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
		%s
	}
}
`

// documentedBackend is the backend in the location of docs/recipes/operations.md.
const documentedBackend = "http://localhost:8080"

// startDocumentedNginx starts nginx with the location of docs/recipes/operations.md.
func startDocumentedNginx(t *testing.T) *server {
	page, err := os.ReadFile("../../../docs/recipes/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, location, _ := strings.Cut(string(page), "```nginx\n")
	location, _, found := strings.Cut(location, "```")
	if !found || strings.Count(location, documentedBackend) != 1 {
		t.Fatalf("operations.md has no location with the backend %s", documentedBackend)
	}
	return startNginxLocation(t, location)
}

// startNginx returns a function that starts nginx as a proxy of a backend. directives is what the
// configuration of the location ends with.
func startNginx(directives string) func(t *testing.T) *server {
	location := fmt.Sprintf(`location / {
		proxy_pass %s;
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		%s
	}`, documentedBackend, directives)
	return func(t *testing.T) *server { return startNginxLocation(t, location) }
}

// startNginxLocation starts nginx with a location, in which it replaces documentedBackend.
func startNginxLocation(t *testing.T, location string) *server {
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
	config := fmt.Sprintf(nginxConfig, listener.Addr(),
		strings.Replace(location, documentedBackend, srv.URL, 1))
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

// lookNginx returns the path of nginx, which Debian installs where only root looks for programs.
func lookNginx(t *testing.T) string {
	if path, err := exec.LookPath("/usr/sbin/nginx"); err == nil {
		return path
	}
	return lookPath(t, "nginx")
}
