package main

import (
	"io"
	"os"
	"slices"
	"strings"
)

// readBody adds what -d says; like curl, it leaves out the line ends of a
// file that --data-binary keeps.
func (o *options) readBody(v string, strip bool) error {
	name, isFile := strings.CutPrefix(v, "@")
	if !isFile {
		o.addBody([]byte(v))
		return nil
	}
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(o.stdin)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return reason(err)
	}
	if strip {
		b = slices.DeleteFunc(b, func(c byte) bool { return c == '\r' || c == '\n' || c == 0 })
	}
	o.addBody(b)
	return nil
}

func (o *options) addBody(b []byte) {
	if o.hasBody {
		o.body = append(o.body, '&')
	}
	o.body, o.hasBody = append(o.body, b...), true
}
