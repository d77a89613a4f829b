package request

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// AddCookie applies the value of -b. If v contains "=", it is added to the Cookie header, of which
// a request has at most one. Otherwise v is the name of a file with cookies, "-" for stdin, or
// empty, and cookies that the server sets are sent with the following requests.
func (o *Options) AddCookie(v string, stdin io.Reader) error {
	if strings.Contains(v, "=") {
		if old := o.Header.Get("Cookie"); old != "" {
			v = old + "; " + v
			delete(o.Header, "Cookie")
		}
		return o.SetHeader("Cookie: " + v)
	}
	if o.Jar == nil {
		jar, err := newJar()
		if err != nil {
			return err
		}
		o.Jar = jar
	}
	if v == "" {
		return nil
	}
	b, err := o.readInput(v, stdin)
	if err != nil {
		return fmt.Errorf("a value without = is the name of a file: %w", err)
	}
	return addCookies(o.Jar.jar, string(b))
}

// addCookies adds to jar the cookies of a file in the format of Netscape, which curl and browsers
// export, or with Set-Cookie headers. Other lines are ignored.
func addCookies(jar http.CookieJar, text string) error {
	found, empty := false, true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		c, hostOnly := parseSetCookie(line), false
		if c == nil {
			c, hostOnly = parseNetscapeCookie(line)
		}
		if c == nil {
			empty = empty && (strings.TrimSpace(line) == "" || line[0] == '#')
			continue
		}
		found = true
		host := strings.TrimPrefix(c.Domain, ".")
		if hostOnly {
			c.Domain = ""
		}
		// A server with this URL may set the cookie.
		jar.SetCookies(&url.URL{Scheme: "https", Host: host, Path: c.Path}, []*http.Cookie{c})
	}
	if !found && !empty {
		return errors.New("the file contains no cookies")
	}
	return nil
}

// parseSetCookie returns the cookie of a Set-Cookie header, or nil if line is not one. As in curl,
// a cookie without a domain is not sent to any host.
func parseSetCookie(line string) *http.Cookie {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !strings.EqualFold(name, "Set-Cookie") {
		return nil
	}
	c, err := http.ParseSetCookie(strings.TrimSpace(value))
	if err != nil {
		return nil
	}
	return c
}

// parseNetscapeCookie returns the cookie of a line in the format of Netscape, or nil if line is not
// one. If hostOnly is true, the cookie is not sent to subdomains of its domain. The line has seven
// fields separated by tabs: the domain, whether subdomains are included, the path, whether https is
// required, the Unix time when the cookie expires or 0, the name and the value.
func parseNetscapeCookie(line string) (c *http.Cookie, hostOnly bool) {
	line, httpOnly := strings.CutPrefix(line, "#HttpOnly_")
	fields := strings.Split(line, "\t")
	if len(fields) != 7 || strings.HasPrefix(line, "#") {
		return nil, false
	}
	expires, err := strconv.ParseInt(fields[4], 10, 64)
	if err != nil {
		return nil, false
	}
	c = &http.Cookie{
		Domain:   fields[0],
		Path:     fields[2],
		Secure:   strings.EqualFold(fields[3], "TRUE"),
		Name:     fields[5],
		Value:    fields[6],
		HttpOnly: httpOnly,
	}
	if expires > 0 {
		c.Expires = time.Unix(expires, 0)
	}
	return c, !strings.EqualFold(fields[1], "TRUE")
}
