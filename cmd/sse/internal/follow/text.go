package follow

import (
	"io"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/escape"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/stats"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/term"
)

// openText makes the printer print the text of a language model.
func (s *session) openText(info term.Info) {
	s.text = &output.Text{
		Terminal: info.IsTerminal,
		Color:    info.Color,
		Note:     s.observer.Note,
		Fail:     s.modelError,
	}
	if !s.o.Full {
		s.text.Cut = info.Cut
	}
	s.onTerminal = info.IsTerminal
	s.printer.SetText(s.text)
}

// textEnd decides whether the end of a connection with err, before another attempt, ends the run of
// --text. If ends is true, runErr is the error of the run.
//
// Another attempt would start the model again. It would only continue the text if the server can
// resume after an ID.
func (s *session) textEnd(err error, lastEventID string) (ends bool, runErr error) {
	switch {
	case s.text == nil:
		return false, nil
	case s.text.Decoder.Complete():
		return true, nil
	case s.seen.Load() == 0 || lastEventID != "":
		return false, nil
	case err == io.EOF:
		return true, s.textError()
	}
	return true, err
}

// textError returns the error for a stream that ended, without an error, before the model had
// finished. It returns nil if the model has finished, or an error of the stream was reported.
func (s *session) textError() error {
	switch {
	case s.text == nil || s.errors > 0:
		return nil
	case !s.text.Decoder.Detected() && s.seen.Load() > 0:
		return errtext.ErrNoText
	case !s.text.Decoder.Complete():
		return errtext.ErrIncompleteText
	}
	return nil
}

// finishText reports why the model stopped early, and stores the usage for the summary.
func (s *session) finishText() {
	if s.text == nil {
		return
	}
	d := &s.text.Decoder
	if reason := d.EarlyEnd(); reason != "" && s.errors == 0 {
		s.observer.Note("the model stopped early: " + escape.Line(escape.Truncate(reason, 100)))
	}
	m := &stats.Model{Name: d.Model()}
	if u := d.Usage(); u != nil {
		m.Usage = &stats.Usage{Input: u.Input, Output: u.Output, Reasoning: u.Reasoning}
	}
	s.stats.SetModel(m)
}
