package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// addData adds the value v of -d to the body. If v is "@name", it adds the content of the file
// name, or of stdin if name is "-". If strip is true, it omits the line breaks and NULs of the
// content, as curl does.
func (o *requestOptions) addData(v string, stdin io.Reader, strip bool) error {
	name, isFile := strings.CutPrefix(v, "@")
	if !isFile {
		o.addBody([]byte(v))
		return nil
	}
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(stdin)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return errtext.Reason(err)
	}
	if strip {
		b = slices.DeleteFunc(b, func(c byte) bool { return c == '\r' || c == '\n' || c == 0 })
	}
	o.addBody(b)
	return nil
}

// addBody adds b to the body, after a "&" if the body is not empty.
func (o *requestOptions) addBody(b []byte) {
	if o.hasBody {
		o.body = append(o.body, '&')
	}
	o.body, o.hasBody = append(o.body, b...), true
}
