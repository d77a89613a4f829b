// Package ssetest helps to test what reads event streams, without a network and
// without waiting, and what writes them.
//
// # A server with a script
//
// A [Server] does on each connection what its script says. Here a stream is cut
// off, the service is away for two minutes, and the stream goes on:
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
//			err := consume(t.Context(), srv.Client(), srv.URL, func(ev sse.Event) { got = append(got, ev) })
//			if err != nil || !slices.Equal(got, want) {
//				t.Errorf("got %v, %v, want %v", got, err, want)
//			}
//			requests := srv.Requests()
//			if wait := requests[2].Time.Sub(requests[1].Time); wait < 2*time.Minute {
//				t.Errorf("came back after %v", wait)
//			}
//		})
//	}
//
// The function under test is whatever reads the stream in the service; here
//
//	func consume(ctx context.Context, client *http.Client, url string, handle func(sse.Event)) error {
//		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
//		if err != nil {
//			return err
//		}
//		stream := (&sse.Client{HTTPClient: client}).Stream(req)
//		defer stream.Close()
//		for stream.Next() {
//			handle(stream.Event())
//		}
//		return stream.Err()
//	}
//
// The test takes milliseconds: in a [testing/synctest] bubble time is virtual.
// [NewServer] plays the same script on a real socket, [NewTLSServer] on HTTP/2.
// Whatever the script still holds at the end fails the test.
//
// With [Replay] a server keeps its events and resumes from Last-Event-ID; with
// [Each] a function says what happens on every connection. Together with [After]
// they make a server that breaks off anywhere, any number of times.
//
// # The other side
//
// [Check] reads the answer of any server and reports what is wrong with it as an
// event stream. A [Writer] writes one from a handler.
package ssetest
