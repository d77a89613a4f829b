package inspect

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTabReportsErrors verifies that the other tests fail if the page has one of these errors.
func TestTabReportsErrors(t *testing.T) {
	tests := []struct{ name, html, want string }{
		{"exception", `<script src="/script.js"></script>`, "thrown by the script"},
		{"inline script", `<script>document.title = "ran"</script>`, "Content Security Policy"},
		{"inline handler", `<img src="data:," onerror="alert(1)">`, "Content Security Policy"},
		{"missing file", `<script src="/missing.js"></script>`, "404"},
		{"another host", `<img src="http://127.0.0.2:1/">`, "127.0.0.2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Security-Policy", "script-src 'self'")
				w.Write([]byte("<!doctype html><link rel=icon href=data:,>" + test.html))
			})
			mux.HandleFunc("/script.js", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/javascript")
				w.Write([]byte(`throw new Error("thrown by the script")`))
			})
			server := httptest.NewServer(mux)
			defer server.Close()

			p := open(t, server.URL+"/")
			p.waitFor(`document.readyState === "complete"`)
			found := strings.Join(p.reported(), "\n")
			if !strings.Contains(found, test.want) {
				t.Errorf("reported %q, want an error with %q", found, test.want)
			}
			p.allow("") // all of them are expected
		})
	}
}
