package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The limits of the tool calls that have not ended.
const (
	maxCalls     = 64
	maxArguments = 4 << 10 // bytes that are kept of the arguments, of the name and of the ID
)

// A call is a tool call whose arguments arrive in pieces.
type call struct {
	index     int
	id        string
	name      string
	arguments []byte
}

// calls contains the tool calls that have not ended.
type calls []*call

// find returns the call with this index, or begins one. A different id begins another call: some
// services send no index.
func (c *calls) find(d *Decoder, index int, id string) *call {
	id = beginning(id, maxArguments)
	for _, found := range *c {
		if found.index == index && (id == "" || found.id == "" || found.id == id) {
			found.id = cmp.Or(found.id, id)
			return found
		}
	}
	if len(*c) == maxCalls {
		c.flush(d)
	}
	begun := &call{index: index, id: id}
	*c = append(*c, begun)
	return begun
}

// beginning returns the first n bytes of s. It does not keep the memory of the rest.
func beginning(s string, n int) string { return strings.Clone(s[:min(len(s), n)]) }

// addName appends a piece of the name.
func (c *call) addName(piece string) {
	c.name += beginning(piece, maxArguments-len(c.name))
}

// addArguments appends a piece of the arguments.
func (c *call) addArguments(piece string) {
	room := max(maxArguments-len(c.arguments), 0)
	c.arguments = append(c.arguments, piece[:min(len(piece), room)]...)
}

// flush adds a part for each call, and forgets them.
func (c *calls) flush(d *Decoder) {
	for _, ended := range *c {
		d.addCall(ended.name, string(ended.arguments))
	}
	*c = nil
}

// addCall adds a ToolCall. The arguments of the tool, normally JSON, are cut to maxArguments.
func (d *Decoder) addCall(name, arguments string) {
	arguments = strings.ToValidUTF8(beginning(arguments, maxArguments), "")
	name = strings.ToValidUTF8(beginning(name, maxArguments), "")
	if name == "" {
		name = "(unnamed)"
	}
	d.add(ToolCall, name+"("+flatten([]byte(arguments))+")")
}

// flatten returns the text of the JSON string v, or any other JSON value without white space. For
// null it returns "". If v is not JSON, flatten returns it on one line.
func flatten(v []byte) string {
	v = bytes.TrimSpace(v)
	if len(v) == 0 || string(v) == "null" {
		return ""
	}
	if v[0] == '"' {
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	}
	var b bytes.Buffer
	if json.Compact(&b, v) == nil {
		v = b.Bytes()
	}
	if !utf8.Valid(v) {
		v = bytes.ToValidUTF8(v, []byte("\ufffd"))
	}
	return string(v)
}
