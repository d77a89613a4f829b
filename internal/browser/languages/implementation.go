package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/seed-0d85b69d/sse/internal/browser/chromium"
)

//go:embed run.mjs node.mjs package.json page.html
var files embed.FS

// library is the name of this library in the tables.
const library = "this library"

// An implementation is a reader of event streams that runs the trials of a server.
type implementation struct {
	name     string
	language string

	// checked is true if it is an error that the implementation fails a job, unless departures
	// contains the reason.
	checked    bool
	departures []departure

	// onlyParses is true if the implementation leaves to its caller what follows a response.
	onlyParses bool

	// start runs the trials of the server s at url. It returns when they are done or when ctx ends.
	// The version is that of the implementation.
	start func(ctx context.Context, s *server, url string) (version string, err error)
}

// implementations returns all implementations. Packages are installed in dir when the first of them
// is started.
func implementations(dir string) []implementation {
	install := sync.OnceValue(func() error { return installPackages(dir) })
	list := []implementation{
		{name: library, language: "Go", checked: true, start: startLibrary},
		{
			name: "Chromium", language: "browser",
			checked: true, departures: chromiumDepartures,
			start: startChromium,
		},
	}
	for _, name := range []string{
		"undici", "eventsource", "@microsoft/fetch-event-source", "eventsource-parser",
	} {
		list = append(list, implementation{
			name: name, language: "JavaScript",
			onlyParses: name != "undici" && name != "eventsource",
			start: func(ctx context.Context, _ *server, url string) (string, error) {
				if err := install(); err != nil {
					return "", err
				}
				return startPackage(ctx, dir, name, url)
			},
		})
	}
	return list
}

// startChromium opens the page in Chromium. The server ends ctx when the page has posted the last
// report.
func startChromium(ctx context.Context, _ *server, url string) (version string, err error) {
	path, err := chromium.Find()
	if err != nil {
		return "", err
	}
	output, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", err
	}
	// The output is "Chromium 1.2.3.4 built on Debian", for example.
	if words := strings.Fields(string(output)); len(words) > 1 {
		version = words[1]
	}
	browser, stop, err := chromium.Start(ctx, path)
	if err != nil {
		return "", err
	}
	defer stop()
	if err := chromedp.Do(browser, chromedp.Navigate(url+"/")); err != nil {
		return "", err
	}
	<-browser.Done()
	return version, context.Cause(browser)
}

// installPackages installs the packages of package.json in dir.
func installPackages(dir string) error {
	for _, name := range []string{"run.mjs", "node.mjs", "package.json"} {
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			return err
		}
	}
	cmd := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
		"--loglevel=error")
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("npm is not installed")
	}
	if err != nil {
		return fmt.Errorf("npm install: %w\n%s", err, output)
	}
	return nil
}

// startPackage runs the trials with a package that is installed in dir.
func startPackage(ctx context.Context, dir, name, url string) (version string, err error) {
	var manifest struct{ Version string }
	modules := filepath.Join(dir, "node_modules")
	text, err := os.ReadFile(filepath.Join(modules, filepath.FromSlash(name), "package.json"))
	if err == nil {
		err = json.Unmarshal(text, &manifest)
	}
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, nodeProgram(modules), "node.mjs", name, url)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_NO_WARNINGS=1") // of timers that overflow
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second
	return manifest.Version, cmd.Run()
}

// nodeProgram returns the program of the Node.js that npm has installed for this platform, or the
// one that is installed otherwise.
func nodeProgram(modules string) string {
	system, arch := runtime.GOOS, runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	program := filepath.Join(modules, "node-"+system+"-"+arch, "bin", "node")
	if system == "windows" {
		program = filepath.Join(modules, "node-win-"+arch, "bin", "node.exe")
	}
	if _, err := os.Stat(program); err != nil {
		return "node"
	}
	return program
}
