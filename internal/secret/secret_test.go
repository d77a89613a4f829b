package secret

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"testing"
)

func TestIsHeader(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "Proxy-Authorization": true, "Set-Cookie": true, "X-Api-Key": true,
		"X_API_Key": true, "X-Amz-Security-Token": true, "X-Jwt-Assertion": true, "DPoP": true,
		"X-XSRF": true, "X-Passphrase": true, "X-Sig": true, "X_Sign": true, "Pwd": true,
		"WWW-Authenticate": false, ":authority": false, "Idempotency-Key": false,
		"X_Idempotency_Key": false, "X-Footprint": false, "X-Signal": false, "X-Design": false,
		"Content-Type": false, "": false,
	} {
		if got := IsHeader(name); got != want {
			t.Errorf("IsHeader(%q) = %v, want %v", name, got, want)
		}
	}
}

// The page of sse inspect hides the same headers.
func TestPageHasTheSameWords(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../cmd/sse/internal/inspect/page/secrets.js")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)const words = \[(.*?)\]`).FindSubmatch(script)
	if list == nil {
		t.Fatal("secrets.js has no list of words")
	}
	var got []string
	for _, m := range regexp.MustCompile(`"([^"]*)"`).FindAllSubmatch(list[1], -1) {
		got = append(got, string(m[1]))
	}
	if !slices.Equal(got, words) {
		t.Errorf("secrets.js has the words %q, want %q", got, words)
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://u:p@a.test:80/b%2Fc?d=e#f": "https://a.test:80/b%2Fc",
		"/b?c":                              "/b",
		"mailto:u:p@a.test?c":               "mailto:",
		"":                                  "",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedactURL(u); got != want {
			t.Errorf("RedactURL(%q) = %q, want %q", in, got, want)
		}
	}
}
