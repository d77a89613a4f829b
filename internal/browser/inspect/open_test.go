package inspect

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

func TestBrowserGetsPageFromFile(t *testing.T) {
	chromium.Require(t)
	if runtime.GOOS != "linux" {
		t.Skip("the command that starts the browser cannot be replaced on this system")
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$1\" > " + pipe + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("HOME", t.TempDir())
	base := start(t, "inspect", "--open")
	b, err := os.ReadFile(pipe)
	if err != nil {
		t.Fatal(err)
	}
	file := strings.TrimSpace(string(b))
	q := newTab(t)
	q.allow("request to another host: " + hostOf(base)) // other than that of the file
	q.navigate("file://" + file)
	q.waitFor(`location.href === %s`, js(base))
	p := &inspector{tab: q, base: base}
	p.waitForForm()
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("the file remains: %v", err)
	}

	// No other file may lead to the page, even if it contains the token.
	page := filepath.Join(dir, "other.html")
	text := `<!doctype html><meta http-equiv="refresh" content="0; url=` + base + `">`
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	q.allow("status of 403")
	q.navigate("file://" + page)
	q.waitFor(`location.href === %s && document.body.innerText.includes("only from its own page")`,
		js(base))
}
