package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

const maxFlags = 10000

// A flagSet holds the current flags. Its methods are safe for concurrent use.
type flagSet struct {
	mu     sync.RWMutex
	values map[string]json.RawMessage // nil before the first put
}

// value returns the value of a flag. It returns fallback if the flag does not exist or has a value
// of another type.
func value[T any](s *flagSet, key string, fallback T) T {
	s.mu.RLock()
	raw := s.values[key]
	s.mu.RUnlock()
	var v *T
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return fallback
	}
	return *v
}

// ready reports whether the flags have arrived.
func (s *flagSet) ready() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values != nil
}

// apply applies an event. These are the types and their data:
//
//	put     {"path": "/", "data": {KEY: VALUE, ...}}   replaces all flags
//	patch   {"path": "/KEY", "data": VALUE}            sets a flag
//	delete  {"path": "/KEY"}                           deletes a flag
//
// The server starts each connection with a put, so the stream needs no event IDs. The flagSet does
// not keep data, because a json.RawMessage is a copy.
func (s *flagSet) apply(typ string, data []byte) error {
	var ev struct {
		Path string
		Data json.RawMessage
	}
	if err := json.Unmarshal(data, &ev); err != nil {
		return err
	}
	key := strings.TrimPrefix(ev.Path, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case typ == "put" && key == "":
		var all map[string]json.RawMessage
		if err := json.Unmarshal(ev.Data, &all); err != nil || all == nil || len(all) > maxFlags {
			return cmp.Or(err, fmt.Errorf("the event has %d flags", len(all)))
		}
		s.values = all
	case s.values == nil:
		return errors.New("the first event is not a put")
	case typ == "patch" && ev.Data != nil:
		s.values[key] = ev.Data
		if len(s.values) > maxFlags {
			delete(s.values, key)
			return errors.New("too many flags")
		}
	case typ == "delete":
		delete(s.values, key)
	default:
		return errors.New("unknown type of event")
	}
	return nil
}
