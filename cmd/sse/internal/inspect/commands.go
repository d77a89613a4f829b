package inspect

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/shell"
)

// commands sends the request of a form as command lines. They contain its secrets.
func (s *server) commands(w http.ResponseWriter, r *http.Request) {
	var f Form
	if !readJSON(w, r, &f) {
		return
	}
	o, idleTimeout, err := f.request(s.o.Request)
	if err == nil && strings.Contains(f.Body, "\x00") {
		err = &fieldError{"body", errors.New(
			"the body contains a NUL, which a command line cannot hold")}
	}
	if err != nil {
		writeFormError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"curl": shell.Join(curlCommand(o)),
		"sse":  shell.Join(sseCommand(o, f.Reconnect, idleTimeout, s.o.MaxEventSize)),
	})
}

// clientHeaders are the headers that the Client adds to a request without them.
var clientHeaders = map[string]string{
	"Accept":        "text/event-stream",
	"Cache-Control": "no-cache",
}

// curlCommand returns the words of the curl command that sends the request of o.
func curlCommand(o *request.Options) []string {
	header := o.Header.Clone()
	for name, value := range clientHeaders {
		if _, ok := header[name]; !ok && !slices.Contains(o.RemovedHeaders(), name) {
			header.Set(name, value)
		}
	}
	words := []string{"curl", "-N"}
	if canFollow(o, header) {
		words = append(words, "-L")
	}
	words = append(words, connectionFlags(o)...)
	if strings.ContainsAny(o.URL.String(), "[]{}") {
		words = append(words, "-g") // otherwise curl replaces them
	}
	if o.Method == http.MethodHead && !o.HasBody {
		words = append(words, "-I") // with -X HEAD, curl would wait for a body
	} else {
		words = append(words, methodFlags(o)...)
	}
	words = append(words, requestFlags(o, header)...)
	return append(words, o.URL.String())
}

// canFollow reports whether curl -L follows redirects as the Client does. If the Client changes the
// method to GET, curl repeats that of -X. If a redirect leads to another host, the Client sends no
// headers that may contain a token. Of those, curl withholds only Authorization and Cookie.
func canFollow(o *request.Options, header http.Header) bool {
	switch {
	case o.Method == http.MethodGet, o.Method == http.MethodHead:
	case o.Method == http.MethodPost && o.HasBody: // needs no -X
	default:
		return false
	}
	for name := range header {
		switch name {
		case "Authorization", "Cookie":
		case "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Type",
			"Idempotency-Key", "Last-Event-Id", "User-Agent":
		default:
			return false
		}
	}
	return true
}

// sseCommand returns the words of the command that follows the stream of o.
func sseCommand(
	o *request.Options, reconnect bool, idleTimeout time.Duration, maxEventSize int,
) []string {
	header := o.Header.Clone()
	header.Del("Last-Event-ID")
	words := append([]string{"sse"}, connectionFlags(o)...)
	words = append(words, methodFlags(o)...)
	words = append(words, requestFlags(o, header)...)
	if o.LastEventID != "" {
		words = append(words, "--last-event-id", o.LastEventID)
	}
	if !reconnect {
		words = append(words, "--no-reconnect")
	}
	if idleTimeout > 0 {
		words = append(words, "--idle-timeout", idleTimeout.String())
	}
	switch {
	case maxEventSize > 0:
		words = append(words, "--max-event-size", strconv.Itoa(maxEventSize))
	case maxEventSize < 0:
		words = append(words, "--max-event-size", "none")
	}
	return append(words, o.URL.String())
}

// connectionFlags returns the flags for how o connects.
func connectionFlags(o *request.Options) []string {
	var flags []string
	if o.Insecure {
		flags = append(flags, "-k")
	}
	if o.Proxy != nil {
		flags = append(flags, "-x", *o.Proxy)
	}
	for _, f := range [][2]string{
		{"--unix-socket", o.UnixSocket},
		{"--cacert", o.CACert},
		{"--cert", o.Cert},
		{"--key", o.Key},
	} {
		if f[1] != "" {
			flags = append(flags, f[0], f[1])
		}
	}
	switch {
	case o.HTTP1:
		flags = append(flags, "--http1.1")
	case o.HTTP2 && o.URL.Scheme == "http":
		flags = append(flags, "--http2-prior-knowledge")
	case o.HTTP2:
		flags = append(flags, "--http2")
	}
	if d := o.ConnectTimeout; d > 0 {
		flags = append(flags, "--connect-timeout", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	}
	if o.Jar != nil {
		flags = append(flags, "-b", "")
	}
	return flags
}

// methodFlags returns the flags for the method of o, unless it is what the body implies.
func methodFlags(o *request.Options) []string {
	usual := http.MethodGet
	if o.HasBody {
		usual = http.MethodPost
	}
	if o.Method == usual {
		return nil
	}
	return []string{"-X", o.Method}
}

// requestFlags returns the flags for the headers and the body of o.
func requestFlags(o *request.Options, header http.Header) []string {
	var flags []string
	if o.User != nil {
		password, _ := o.User.Password()
		flags = append(flags, "-u", o.User.Username()+":"+password)
	}
	if o.Host() != "" {
		flags = append(flags, "-H", "Host: "+o.Host())
	}
	for _, name := range o.RemovedHeaders() {
		flags = append(flags, "-H", name+":")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			flags = append(flags, "-H", headerLine(name, value))
		}
	}
	if o.HasBody {
		flags = append(flags, "--data-raw", string(o.Body()))
	}
	return flags
}

// headerLine returns the value of -H for a header.
func headerLine(name, value string) string {
	if strings.Trim(value, " \t") == "" {
		return name + ";" // "Name:" removes the header
	}
	return name + ": " + value
}
