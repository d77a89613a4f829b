package request

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
)

// The limits of the cookies that servers set. A cookie that exceeds one of them is ignored.
const (
	maxCookie        = 4 << 10 // bytes of a cookie with its attributes
	maxDomainCookies = 50      // of a domain
	maxCookies       = 300     // of all domains
)

// A Jar is an http.CookieJar that limits the number and the size of the cookies that servers set.
// It does not limit the cookies of files.
type Jar struct {
	jar *cookiejar.Jar

	mu  sync.Mutex
	ids map[cookieID]bool // of the cookies that servers have set
}

// A cookieID identifies a cookie.
type cookieID struct{ domain, path, name string }

// newJar returns an empty Jar.
func newJar() (*Jar, error) {
	jar, err := cookiejar.New(nil)
	return &Jar{jar: jar, ids: make(map[cookieID]bool)}, err
}

// Cookies implements http.CookieJar.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie { return j.jar.Cookies(u) }

// SetCookies implements http.CookieJar.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.DeleteFunc(j.ids, func(id cookieID, _ bool) bool { return !j.contains(id) })
	// A cookie must not keep the whole URL of a redirect in memory.
	from := &url.URL{Scheme: u.Scheme, Host: strings.Clone(u.Host)}
	dir := strings.Clone(defaultPath(u.Path))
	for _, c := range cookies {
		kept := *c
		if !strings.HasPrefix(kept.Path, "/") {
			kept.Path = dir
		}
		domain := cmp.Or(strings.TrimPrefix(kept.Domain, "."), from.Host)
		id := cookieID{domain, kept.Path, kept.Name}
		isLarge := len(kept.Raw)+len(from.Host)+len(kept.Path) > maxCookie
		if isLarge || isForTopLevel(&kept, u) || !j.ids[id] && j.isFull(domain) {
			continue
		}
		j.jar.SetCookies(from, []*http.Cookie{&kept})
		j.ids[id] = true
	}
}

// isForTopLevel reports whether c, which was set by u, would be sent to all hosts of a top-level
// domain. The jar of net/http would keep several such cookies with the same ID.
func isForTopLevel(c *http.Cookie, u *url.URL) bool {
	domain := strings.TrimPrefix(c.Domain, ".")
	return domain != "" && !strings.Contains(domain, ".") &&
		!strings.EqualFold(domain, u.Hostname())
}

// contains reports whether the cookie was not refused, has not expired and was not deleted.
func (j *Jar) contains(id cookieID) bool {
	u := &url.URL{Scheme: "https", Host: id.domain, Path: id.path}
	for _, c := range j.jar.Cookies(u) {
		if c.Name == id.name {
			return true
		}
	}
	return false
}

// isFull reports whether there is no room for another cookie of domain.
func (j *Jar) isFull(domain string) bool {
	n := 0
	for id := range j.ids {
		if id.domain == domain {
			n++
		}
	}
	return n >= maxDomainCookies || len(j.ids) >= maxCookies
}

// defaultPath returns the path of a cookie without one (RFC 6265, section 5.1.4), which was set by
// the response for path.
func defaultPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}
