package request

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

var errNoFiles = errors.New("files are not read here")

// AddData adds the value v of -d to the body. If v is "@name", it adds the content of the file
// name, or of stdin if name is "-". If strip is true, it omits the line breaks and NULs of the
// content, as curl does.
func (o *Options) AddData(v string, stdin io.Reader, strip bool) error {
	name, isFile := strings.CutPrefix(v, "@")
	if !isFile {
		o.AddBody([]byte(v))
		return nil
	}
	b, err := o.readInput(name, stdin)
	if err != nil {
		return err
	}
	if strip {
		b = slices.DeleteFunc(b, func(c byte) bool { return c == '\r' || c == '\n' || c == 0 })
	}
	o.AddBody(b)
	return nil
}

// AddBody adds b to the body, after a "&" if the body is not empty.
func (o *Options) AddBody(b []byte) {
	if o.HasBody {
		o.body = append(o.body, '&')
	}
	o.body, o.HasBody = append(o.body, b...), true
}

// readInput returns the content of the file name, or of stdin if name is "-".
func (o *Options) readInput(name string, stdin io.Reader) ([]byte, error) {
	if o.NoFiles {
		return nil, errNoFiles
	}
	if name == "-" {
		return io.ReadAll(stdin)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, errtext.Reason(err)
	}
	return b, nil
}
