package request

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// mustJar returns an empty Jar.
func mustJar(t *testing.T) *Jar {
	t.Helper()
	jar, err := newJar()
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

// setCookies sets the cookies of a response from rawURL with these Set-Cookie headers.
func setCookies(t *testing.T, jar *Jar, rawURL string, headers ...string) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	resp := &http.Response{Header: http.Header{"Set-Cookie": headers}}
	jar.SetCookies(u, resp.Cookies())
}

// wantCookies checks how many cookies are sent to rawURL, and returns them.
func wantCookies(t *testing.T, jar *Jar, rawURL string, want int) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	cookies := jar.Cookies(u)
	if len(cookies) != want {
		t.Errorf("%d cookies are sent to %.50s, want %d", len(cookies), rawURL, want)
	}
	return fmt.Sprint(cookies)
}

// numbered returns n Set-Cookie headers with different names and these attributes.
func numbered(n int, attributes string) []string {
	headers := make([]string, n)
	for i := range headers {
		headers[i] = fmt.Sprintf("c%d=old%s", i, attributes)
	}
	return headers
}

func TestJarLimitsCookiesOfDomain(t *testing.T) {
	t.Parallel()
	for _, attributes := range []string{
		"", "; Path=/", "; Domain=a.test", "; Domain=.a.test; Path=/p",
	} {
		jar := mustJar(t)
		const url = "http://a.test:8080/p/q"
		setCookies(t, jar, url, numbered(maxDomainCookies+10, attributes)...)
		setCookies(t, jar, url, "c1=new"+attributes, "more=x"+attributes)
		got := wantCookies(t, jar, url, maxDomainCookies)
		if !strings.Contains(got, "c1=new") || strings.Contains(got, "more") {
			t.Errorf("%q: the cookies are %s", attributes, got)
		}
		setCookies(t, jar, "http://b.test/p/q", "b=x")
		wantCookies(t, jar, "http://b.test/p/q", 1)
	}
	jar := mustJar(t)
	for i := range maxDomainCookies + 10 {
		setCookies(t, jar, fmt.Sprintf("http://a.test/%d/", i), "a=x")
	}
	wantCookies(t, jar, fmt.Sprintf("http://a.test/%d/", maxDomainCookies-1), 1)
	wantCookies(t, jar, fmt.Sprintf("http://a.test/%d/", maxDomainCookies), 0)
}

func TestJarLimitsCookiesOfAllDomains(t *testing.T) {
	t.Parallel()
	jar := mustJar(t)
	for i := range maxCookies/maxDomainCookies + 1 {
		url := fmt.Sprintf("http://%d.test/", i)
		setCookies(t, jar, url, numbered(maxDomainCookies, "")...)
		want := maxDomainCookies
		if i == maxCookies/maxDomainCookies {
			want = 0
		}
		wantCookies(t, jar, url, want)
	}
}

func TestJarLimitsSizeOfCookie(t *testing.T) {
	t.Parallel()
	jar := mustJar(t)
	long := strings.Repeat("x", maxCookie)
	setCookies(t, jar, "http://a.test/",
		"a="+long, long+"=a", "a=b; Unknown="+long, "a=b; Path=/"+long)
	setCookies(t, jar, "http://a.test/"+long+"/", "a=b")
	wantCookies(t, jar, "http://a.test/"+long+"/", 0)
	// The query of a URL is not part of a cookie.
	setCookies(t, jar, "http://a.test/?"+long, "a=b")
	wantCookies(t, jar, "http://a.test/", 1)
}

func TestJarRefusesCookiesOfTopLevelDomains(t *testing.T) {
	t.Parallel()
	jar := mustJar(t)
	setCookies(t, jar, "http://a.test/", "a=b; Domain=test", "c=d; Domain=.test")
	wantCookies(t, jar, "http://a.test/", 0)
	setCookies(t, jar, "http://localhost:80/", "a=b; Domain=localhost")
	wantCookies(t, jar, "http://localhost:81/", 1)
}

func TestJarMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jar := mustJar(t)
		const url = "http://a.test/"
		for _, test := range []struct{ attributes, later string }{
			{"; Max-Age=60", ""},    // the cookies have expired
			{"", "; Max-Age=0"},     // they were deleted
			{"; Domain=b.test", ""}, // they were refused
		} {
			setCookies(t, jar, url, numbered(maxDomainCookies, test.attributes)...)
			time.Sleep(time.Hour)
			if test.later != "" {
				setCookies(t, jar, url, numbered(maxDomainCookies, test.later)...)
			}
			setCookies(t, jar, url, "a=b; Max-Age=60")
			wantCookies(t, jar, url, 1)
			time.Sleep(time.Hour)
		}
	})
}

func TestJarKeepsCookiesOfFile(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	for i := range 2 * maxCookies {
		fmt.Fprintf(&file, "a.test\tFALSE\t/\tFALSE\t0\tf%d\tx\n", i)
	}
	o := &Options{Header: make(http.Header)}
	if err := o.AddCookie("-", strings.NewReader(file.String())); err != nil {
		t.Fatal(err)
	}
	setCookies(t, o.Jar, "http://a.test/", numbered(maxDomainCookies+1, "")...)
	wantCookies(t, o.Jar, "http://a.test/", 2*maxCookies+maxDomainCookies)
	if got := o.HTTPClient(nil).Jar; got != o.Jar {
		t.Errorf("the client uses %v", got)
	}
	if got := new(Options).HTTPClient(nil).Jar; got != nil {
		t.Errorf("without -b, the client uses %v", got)
	}
}
