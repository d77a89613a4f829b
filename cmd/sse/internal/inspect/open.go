package inspect

import (
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
)

// A startFile is a file with which a browser is started. It leads the browser to an address that is
// valid for one request. The address is not an argument of the browser, because other users of the
// machine may see the arguments of a process.
type startFile struct {
	dir   string // contains only the file
	name  string
	token string // of the address
	used  atomic.Bool
}

// newStartFile writes a file that only the user can read, for a server that listens on addr.
func newStartFile(addr net.Addr) (*startFile, error) {
	dir, err := makePrivateDir()
	if err != nil {
		return nil, err
	}
	f := &startFile{dir: dir, name: filepath.Join(dir, "open.html"), token: newToken()}
	page := redirectPage(pageURL(addr, f.token))
	if err := os.WriteFile(f.name, []byte(page), 0o600); err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

// makePrivateDir makes a directory for the file of a browser. Browsers that are installed as a Snap
// can read neither the usual directory for temporary files nor hidden directories.
func makePrivateDir() (string, error) {
	const pattern = "sse-inspect-*"
	if home, err := os.UserHomeDir(); err == nil && runtime.GOOS == "linux" {
		if dir, err := os.MkdirTemp(home, pattern); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", pattern)
}

// use reports whether r is the first request for the address in the file. If it is, the file has
// served its purpose and is removed.
func (f *startFile) use(r *http.Request) bool {
	if r.Method != http.MethodGet || !isEqual(r.URL.Path, "/"+f.token+"/") || f.used.Swap(true) {
		return false
	}
	f.remove() // or at the end of the program
	return true
}

// remove removes the file and its directory.
func (f *startFile) remove() error { return os.RemoveAll(f.dir) }

// redirectPage returns an HTML page that leads to url at once.
func redirectPage(url string) string {
	return fmt.Sprintf(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=%[1]s">
<link rel="icon" href="data:,">
<title>sse inspect</title>
<p><a href="%[1]s">Open the page of sse inspect</a></p>
`, html.EscapeString(url))
}

// openBrowser starts the browser of the system with the file. It does not wait for it.
func openBrowser(file string) error {
	name, args := "xdg-open", []string{file}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", file}
	}
	c := exec.Command(name, args...)
	if err := c.Start(); err != nil {
		return err
	}
	go c.Wait()
	return nil
}
