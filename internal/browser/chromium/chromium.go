// Package chromium starts Chromium for programs and tests of this module.
package chromium

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// programs are the names under which systems install the browser.
var programs = []string{"chromium", "chromium-browser", "google-chrome"}

// Find returns the path of the browser.
func Find() (string, error) {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("chromium is not installed")
}

// Require returns the path of the browser. If the browser is not installed, Require skips the test,
// or fails it if the environment variable CI is "true".
func Require(t testing.TB) string {
	t.Helper()
	path, err := Find()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

// Start starts the browser at path, without a window and with a new profile. It returns a context
// for package chromedp. The function stop ends the browser and removes the profile.
func Start(ctx context.Context, path string, more ...chromedp.ExecAllocatorOption) (
	browser context.Context, stop func(), err error,
) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // containers lack what it needs, and only pages of the tests are opened
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, append(options, more...)...)
	browser, stopBrowser := chromedp.NewContext(allocator)
	stop = func() {
		stopBrowser()
		stopAllocator()
	}
	if err := chromedp.Do(browser); err != nil {
		stop()
		return nil, nil, err
	}
	return browser, stop, nil
}
