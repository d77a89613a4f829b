package inspect

import (
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/model"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamerror"
)

// maxDecoded is the size of the largest event whose data is decoded, in bytes.
const maxDecoded = 1 << 20

// event sends the current event of the stream.
func (r *run) event() {
	now := time.Now()
	data := r.stream.Data()
	block := r.blocks.next()
	r.mu.Lock()
	attempt := r.attempt
	r.mu.Unlock()
	r.events++
	m := eventReceived{
		N:       r.events,
		T:       r.since(now),
		Type:    shortText(r.stream.Type()),
		ID:      shortText(string(r.stream.ID())),
		Size:    len(data),
		Attempt: attempt,
		Parts:   []part{},
	}
	gap := milliseconds(r.stats.Event(now, m.Type))
	if m.N > 1 {
		m.Gap = &gap
	}
	m.Data, m.Cut = cut(data, maxData)
	m.Raw, m.RawCut = string(block.raw), block.cut
	if block.cut {
		m.Raw = string(wholeRunes(block.raw))
	}
	if len(data) <= maxDecoded {
		ev := r.stream.Event()
		_, m.Error = streamerror.Find(ev)
		m.Parts = r.parts(ev)
		for _, p := range m.Parts {
			m.Error = m.Error || p.Kind == "error"
		}
	}
	if m.Error {
		r.stats.AddError()
	}
	r.send(kindEvent, "", m)
}

// partKinds are the names of the kinds of parts.
var partKinds = map[model.Kind]string{
	model.Text:      "text",
	model.Reasoning: "reasoning",
	model.ToolCall:  "tool",
	model.Failure:   "error",
}

// parts returns what ev adds to the output of a model.
func (r *run) parts(ev sse.Event) []part {
	parts, room := []part{}, maxData
	for _, p := range r.model.Decode(ev) {
		text, isCut := cut([]byte(p.Text), room)
		room -= len(text)
		parts = append(parts, part{Kind: partKinds[p.Kind], Text: text, Paragraph: p.Paragraph})
		if isCut {
			break
		}
	}
	return parts
}

// A rateLimit limits the number of messages of a kind.
type rateLimit struct {
	second time.Time // the beginning of the current second
	n      int       // messages in it
}

const maxPerSecond = 20 // comments and ignored lines; the others are only counted

// allow reports whether a message may be sent.
func (l *rateLimit) allow(now time.Time) bool {
	if now.Sub(l.second) >= time.Second {
		l.second, l.n = now, 0
	}
	l.n++
	return l.n <= maxPerSecond
}

// comment is called for each comment of the stream.
func (r *run) comment(text string) {
	now := time.Now()
	r.stats.AddComment()
	if r.comments.allow(now) {
		r.send(kindComment, "", comment{T: r.since(now), Text: text})
	}
}

// ignoredLine is called for each line that the standard ignores.
func (r *run) ignoredLine(line string) {
	now := time.Now()
	r.stats.AddIgnored()
	if r.ignored.allow(now) {
		r.send(kindIgnored, "", ignoredLine{T: r.since(now), Line: line})
	}
}
