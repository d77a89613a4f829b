// Package ssetest provides utilities for testing clients of Server-Sent Events:
// any client and any SDK that uses an [http.Client] or a URL, not only that of
// package sse. It contains a scripted server, which runs on sockets or in memory
// and in virtual time, recordings of real streams, and a checker for the streams of
// servers.
//
// # Scripted server
//
// A [Server] does on each connection what its script says. In this test the
// stream is cut, the service is unavailable for two minutes, and then the stream
// continues:
//
//	func TestConsumer(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			want := []sse.Event{
//				{ID: "1", Type: "message", Data: "a"},
//				{ID: "2", Type: "message", Data: "b"},
//				{ID: "3", Type: "message", Data: "c"},
//			}
//			srv := ssetest.NewMemoryServer(t,
//				ssetest.Conn{
//					ssetest.Send(want[:2]...),
//					ssetest.Raw("id: 3\nda"),
//					ssetest.Cut(),
//				},
//				ssetest.Conn{
//					ssetest.WantHeader("Last-Event-ID", "2"),
//					ssetest.Status(http.StatusServiceUnavailable, "Retry-After", "120"),
//				},
//				ssetest.Conn{
//					ssetest.WantHeader("Last-Event-ID", "2"),
//					ssetest.Send(want[2]),
//				},
//				ssetest.Conn{ssetest.Status(http.StatusNoContent)},
//			)
//			var got []sse.Event
//			handle := func(ev sse.Event) { got = append(got, ev) }
//			err := consume(t.Context(), srv.Client(), srv.URL, handle)
//			if err != nil || !slices.Equal(got, want) {
//				t.Errorf("got %v, %v, want %v", got, err, want)
//			}
//			requests := srv.Requests()
//			if wait := requests[2].Time.Sub(requests[1].Time); wait < 2*time.Minute {
//				t.Errorf("reconnected after %v", wait)
//			}
//		})
//	}
//
// The function under test is the one that reads the stream in the service:
//
//	func consume(ctx context.Context, c *http.Client, url string, handle func(sse.Event)) error {
//		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
//		if err != nil {
//			return err
//		}
//		stream := (&sse.Client{HTTPClient: c}).Stream(req)
//		defer stream.Close()
//		for stream.Next() {
//			handle(stream.Event())
//		}
//		return stream.Err()
//	}
//
// The test takes milliseconds, because time is virtual in a [testing/synctest]
// bubble. [NewServer] runs the same script on a socket and [NewTLSServer] runs it
// on HTTP/2. The test fails if the client has not used the whole script.
//
// With [Replay], a server keeps its events and resumes from Last-Event-ID. With
// [Each], a function decides what happens on each connection. Together with
// [After] they make a server that cuts its connections anywhere, as often as
// needed.
//
// # Recordings
//
// [Record] returns an [http.RoundTripper] that records the responses of a real
// server in a file, chunk by chunk. [Recorded] replays such a file in a test, at
// once, and [RecordedWithGaps] replays it with its pauses.
//
// # Checker
//
// [Check] reads the response of any server and reports what is wrong with it as
// an event stream. [Rules] lists what it looks for.
package ssetest
