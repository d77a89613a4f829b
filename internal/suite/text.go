package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-0d85b69d/sse"
)

// Text is text with repetitions. Its JSON form is a string, an array [count, text], or an array
// of texts to be joined.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	if count, item, ok := repetition(b); ok {
		err := json.Unmarshal(item, t)
		*t = Text(strings.Repeat(string(*t), count))
		return err
	}
	var parts []Text
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	*t = ""
	for _, part := range parts {
		*t += part
	}
	return nil
}

// Bytes is a sequence of bytes. Its JSON form is a Text in which each character, U+0000 to
// U+00FF, stands for one byte.
type Bytes []byte

// UnmarshalJSON implements json.Unmarshaler.
func (s *Bytes) UnmarshalJSON(b []byte) error {
	var text Text
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*s = make(Bytes, 0, len(text))
	for _, r := range string(text) {
		if r > 0xff {
			return fmt.Errorf("character %q does not stand for a byte", r)
		}
		*s = append(*s, byte(r))
	}
	return nil
}

// Events is a list of events. In its JSON form an item [count, event] stands for count times the
// event.
type Events []sse.Event

// UnmarshalJSON implements json.Unmarshaler.
func (s *Events) UnmarshalJSON(b []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return err
	}
	*s = nil
	for _, item := range items {
		count, event, ok := repetition(item)
		if !ok {
			count, event = 1, item
		}
		var ev struct{ ID, Type, Data *Text }
		d := json.NewDecoder(bytes.NewReader(event))
		d.DisallowUnknownFields()
		if err := d.Decode(&ev); err != nil {
			return err
		}
		if ev.ID == nil || ev.Type == nil || ev.Data == nil {
			return fmt.Errorf("event %s does not have type, data and id", event)
		}
		for range count {
			*s = append(*s, sse.Event{
				ID: string(*ev.ID), Type: string(*ev.Type), Data: string(*ev.Data),
			})
		}
	}
	return nil
}

// repetition splits the JSON array [count, item].
func repetition(b []byte) (count int, item json.RawMessage, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil || len(list) != 2 {
		return 0, nil, false
	}
	if json.Unmarshal(list[0], &count) != nil || count < 0 {
		return 0, nil, false
	}
	return count, list[1], true
}
