package sse_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// These tests use sockets and servers of net/http. On a busy machine a timeout may fire without a
// reason. Then the stream only connects once more.

func TestStreamCutsOnSockets(t *testing.T) {
	var want []sse.Event
	for i := range 40 {
		want = append(want, message(strconv.Itoa(i), strings.Repeat("é\n", i)))
	}
	for protocol, newServer := range protocols {
		for name, conn := range map[string]ssetest.Conn{
			"clean end":              {ssetest.End()},
			"cut":                    {ssetest.Cut()},
			"reset":                  {ssetest.Reset()},
			"silence":                {ssetest.Stall()},
			"cut in compressed":      {ssetest.Gzip(), ssetest.Cut()},
			"silence in compressed":  {ssetest.Gzip(), ssetest.Stall()},
			"cut after single bytes": {ssetest.Chunks(1), ssetest.Cut()},
		} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				t.Parallel()
				srv := newServer(t, ssetest.Each(func(n int, r *http.Request) http.Handler {
					before, how := conn[:len(conn)-1], conn[len(conn)-1]
					c := append(ssetest.Conn{}, before...)
					switch {
					case n == 0:
						return append(c, how) // before the headers
					case n < 6:
						c = append(c, ssetest.After(83*n, how))
					}
					return append(c, ssetest.Replay(want...))
				}))
				client := newClient(srv.Client())
				client.IdleTimeout = 100 * time.Millisecond
				s := open(t, client, "GET", srv.URL, nil)
				got := collect(s)
				if diff := cmp.Diff(want, got); diff != "" || s.Err() != nil {
					t.Errorf("Err() = %v, events (-want +got):\n%s", s.Err(), diff)
				}
			})
		}
	}
}

// An event is delivered as soon as the server has flushed it. The server sends the next event only
// after the client has read the one before.
func TestStreamDeliversAtOnce(t *testing.T) {
	for protocol, newServer := range protocols {
		for name, first := range map[string]ssetest.Step{
			"plain": ssetest.Status(200), "gzip": ssetest.Gzip(), "single bytes": ssetest.Chunks(1),
		} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				t.Parallel()
				read := make(chan struct{})
				conn := ssetest.Conn{first}
				for i := range 10 {
					conn = append(conn, ssetest.Raw(fmt.Sprintf("data:%d\r\r", i)), ssetest.Wait(read))
				}
				srv := newServer(t, conn, ssetest.Conn{ssetest.Status(204)})
				n := 0
				s := open(t, newClient(srv.Client()), "GET", srv.URL, nil)
				for ; s.Next(); n++ {
					equal(t, "data", string(s.Data()), strconv.Itoa(n))
					read <- struct{}{}
				}
				equal(t, "events", n, 10)
				equal(t, "Err()", s.Err(), nil)
			})
		}
	}
}

// Close and the end of the context interrupt a Next that is blocked in a socket.
func TestStreamEndsOnSockets(t *testing.T) {
	for protocol, newServer := range protocols {
		for point, conn := range map[string]ssetest.Conn{
			"header": {ssetest.Stall()},
			"body":   {ssetest.Raw(":\n"), ssetest.Stall()},
			"gzip":   {ssetest.Gzip(), ssetest.Raw(":\n"), ssetest.Stall()},
			"error":  {ssetest.Status(503), ssetest.Raw("words"), ssetest.Stall()},
		} {
			for _, how := range []string{"Close", "cancel"} {
				t.Run(protocol+" "+point+" "+how, func(t *testing.T) {
					t.Parallel()
					srv := newServer(t, conn)
					srv.AllowUnused()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
					if err != nil {
						t.Fatal(err)
					}
					client := newClient(srv.Client())
					var s *sse.Stream
					end := func() {
						if how == "Close" {
							s.Close()
						} else {
							cancel()
						}
					}
					var once sync.Once
					client.OnComment = func(string) { once.Do(func() { go end() }) }
					client.CheckResponse = func(r *http.Response) error {
						if r.StatusCode == 503 {
							once.Do(func() { go end() })
						}
						return sse.DefaultCheckResponse(r)
					}
					client.Prepare = func(*http.Request) error {
						if point == "header" {
							once.Do(func() { go end() })
						}
						return nil
					}
					s = client.Stream(req)
					if s.Next() {
						t.Error("Next() = true")
					}
					var want error
					if how == "cancel" {
						want = context.Canceled
					}
					if s.Err() != want {
						t.Errorf("Err() = %v, want %v", s.Err(), want)
					}
				})
			}
		}
	}
}

// net/http repeats a request if a reused connection turns out to be closed. It must not repeat the
// POST of a stream.
func TestStreamPostOnReusedConnection(t *testing.T) {
	for name, end := range map[string]func(http.ResponseWriter){
		"closed": func(w http.ResponseWriter) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				c.Close()
			}
		},
		"cut": func(w http.ResponseWriter) {
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"503": func(w http.ResponseWriter) { w.WriteHeader(503) },
	} {
		for _, body := range []string{"", "prompt"} {
			t.Run(fmt.Sprintf("%s with body %q", name, body), func(t *testing.T) {
				var posts atomic.Int32
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "GET" {
						return
					}
					posts.Add(1)
					io.Copy(io.Discard, r.Body)
					end(w)
				}))
				defer srv.Close()
				for range 3 {
					resp, err := srv.Client().Get(srv.URL) // leaves a connection in the pool
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
				}
				s := open(t, newClient(srv.Client()), "POST", srv.URL, strings.NewReader(body))
				if s.Next() || s.Err() == nil {
					t.Errorf("Err() = %v", s.Err())
				}
				equal(t, "POSTs", posts.Load(), 1)
			})
		}
	}
}

// A connection dies without being closed. On HTTP/2 many streams share it, the pool continues to
// reuse it, and it is not idle while a stream waits for it. All streams leave it nevertheless.
func TestStreamLeavesDeadConnection(t *testing.T) {
	for _, protocol := range []string{"HTTP 1.1", "HTTP 2"} {
		for _, streams := range []int{1, 5} {
			t.Run(fmt.Sprint(protocol, " ", streams), func(t *testing.T) {
				t.Parallel()
				srv := httptest.NewUnstartedServer(http.HandlerFunc(sendOneEvent))
				srv.EnableHTTP2 = protocol == "HTTP 2"
				// Lost requests count as concurrent streams.
				srv.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1 << 20}
				srv.Config.ErrorLog = log.New(io.Discard, "", 0)
				srv.StartTLS()
				t.Cleanup(srv.Close)
				t.Cleanup(srv.CloseClientConnections)
				p := newProxy(t, srv.Listener.Addr().String())
				client := newClient(srv.Client())
				var once, twice, done sync.WaitGroup
				once.Add(streams)
				twice.Add(1)
				for n := range streams {
					done.Go(func() {
						client := *client
						// The streams do not time out at the same moment.
						client.IdleTimeout = time.Duration(200+50*n) * time.Millisecond
						s := open(t, &client, "GET", "https://"+p.Addr().String(), nil)
						defer s.Close()
						for i := range 3 {
							if !s.Next() || s.Event().ID != strconv.Itoa(i+1) {
								t.Errorf("event %d: %v, %v", i, s.Event(), s.Err())
							}
							if i == 0 {
								once.Done()
								twice.Wait()
							}
						}
					})
				}
				once.Wait()
				p.dropConns()
				twice.Done()
				done.Wait()
			})
		}
	}
}

// A server restarts on the same port. All streams reconnect, and not all at the same moment.
func TestStreamServerRestarts(t *testing.T) {
	for _, test := range []struct {
		protocol string
		streams  int
	}{{"HTTP 1.1", 500}, {"HTTP 2", 2000}} {
		t.Run(fmt.Sprint(test.protocol, " ", test.streams), func(t *testing.T) {
			cert := newCertificate(t)
			scheme, protocols, httpClient := "https", new(http.Protocols), cert.Client()
			protocols.SetHTTP2(true)
			if test.protocol == "HTTP 1.1" {
				scheme, protocols, httpClient = "http", nil, &http.Client{Transport: new(http.Transport)}
			}
			defer httpClient.CloseIdleConnections()
			start := func(addr string) (*connListener, func()) {
				l := listen(t, addr)
				srv := &http.Server{
					Handler:   http.HandlerFunc(sendOneEvent),
					TLSConfig: cert.TLS.Clone(),
					Protocols: protocols,
					ErrorLog:  log.New(io.Discard, "", 0),
					HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 2 * test.streams},
				}
				var running sync.WaitGroup
				running.Go(func() {
					if scheme == "https" {
						srv.ServeTLS(l, "", "")
					} else {
						srv.Serve(l)
					}
				})
				return l, func() {
					l.Close()
					running.Wait()
					l.closeConns()
					srv.Close()
				}
			}
			l, stop := start("127.0.0.1:0")
			addr := l.Addr().String()

			var mu sync.Mutex
			var waits []time.Duration
			client := &sse.Client{HTTPClient: httpClient, OnRetry: func(_ error, wait time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				waits = append(waits, wait)
			}}
			var first, all sync.WaitGroup
			first.Add(test.streams)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "GET", scheme+"://"+addr, nil)
			if err != nil {
				t.Fatal(err)
			}
			// The first stream opens the HTTP/2 connection that the others share.
			opener := open(t, client, "GET", scheme+"://"+addr, nil)
			defer opener.Close()
			opener.Next()
			for range test.streams {
				all.Go(func() {
					s := client.Stream(req)
					defer s.Close()
					for i := range 2 {
						if !s.Next() || s.Event().ID != strconv.Itoa(i+1) {
							t.Errorf("event %d: %v, %v", i+1, s.Event(), s.Err())
						}
						if i == 0 {
							first.Done()
						}
					}
				})
			}
			first.Wait()
			stop()
			_, stop = start(addr)
			all.Wait()
			stop()

			// The first wait of a stream is 1 s plus 250 ms to 750 ms.
			slices.Sort(waits)
			if len(waits) < test.streams || waits[0] < 1250*time.Millisecond {
				t.Fatalf("%d waits, the shortest is %v", len(waits), waits[0])
			}
			const step = 50 * time.Millisecond
			for d := 1250 * time.Millisecond; d < 1750*time.Millisecond; d += step {
				from, _ := slices.BinarySearch(waits, d)
				to, _ := slices.BinarySearch(waits, d+step)
				if to-from > test.streams/4 {
					t.Errorf("%d of %d streams reconnect between %v and %v",
						to-from, test.streams, d, d+step)
				}
			}
		})
	}
}

// On HTTP/2 a server can end a stream with RST_STREAM, or the connection with GOAWAY, or both. This
// server sends the frames itself.
func TestStreamHTTP2Frames(t *testing.T) {
	const (
		data, headers, rstStream, settings, ping, goAway = 0, 1, 3, 4, 6, 7
		endStream, endHeaders, ack                       = 1, 4, 1
	)
	frame := func(kind, flags byte, id uint32, payload ...byte) []byte {
		b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
		return append(binary.BigEndian.AppendUint32(b, id), payload...)
	}
	number := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	// closeConn stands for closing the connection.
	closeConn := []byte("close the connection")
	// :status 200 and content-type, from the static table of HPACK.
	ok := append([]byte{0x88, 0x0f, 0x10, byte(len("text/event-stream"))}, "text/event-stream"...)

	for _, test := range []struct {
		name string
		end  func(id uint32) []byte // what follows one event and a part of another
	}{
		{"RST_STREAM NO_ERROR", func(id uint32) []byte {
			return frame(rstStream, 0, id, number(0)...)
		}},
		{"RST_STREAM INTERNAL_ERROR", func(id uint32) []byte {
			return frame(rstStream, 0, id, number(2)...)
		}},
		{"RST_STREAM REFUSED_STREAM", func(id uint32) []byte {
			return frame(rstStream, 0, id, number(7)...)
		}},
		{"RST_STREAM ENHANCE_YOUR_CALM", func(id uint32) []byte {
			return frame(rstStream, 0, id, number(11)...)
		}},
		{"GOAWAY of earlier streams", func(id uint32) []byte {
			return frame(goAway, 0, 0, append(number(0), number(0)...)...)
		}},
		{"GOAWAY and RST_STREAM", func(id uint32) []byte {
			return append(frame(goAway, 0, 0, append(number(id), number(0)...)...),
				frame(rstStream, 0, id, number(8)...)...)
		}},
		{"GOAWAY and END_STREAM", func(id uint32) []byte {
			return append(frame(goAway, 0, 0, append(number(id), number(0)...)...),
				frame(data, endStream, id)...)
		}},
		{"GOAWAY with an error, and close", func(id uint32) []byte {
			return append(frame(goAway, 0, 0, append(number(id), number(2)...)...), closeConn...)
		}},
		{"close", func(id uint32) []byte { return closeConn }},
		{"an invalid frame", func(id uint32) []byte { return frame(data, 0, 0, 'x') }},
		{"END_STREAM", func(id uint32) []byte { return frame(data, endStream, id) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cert := newCertificate(t)
			l := listen(t, "127.0.0.1:0")
			var requests atomic.Int32
			serve := func(c net.Conn) {
				defer c.Close()
				io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
				c.Write(frame(settings, 0, 0))
				for {
					head := make([]byte, 9)
					if _, err := io.ReadFull(c, head); err != nil {
						return
					}
					size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
					payload := make([]byte, size)
					if _, err := io.ReadFull(c, payload); err != nil {
						return
					}
					id := binary.BigEndian.Uint32(head[5:])
					switch kind, flags := head[3], head[4]; {
					case kind == settings && flags&ack == 0:
						c.Write(frame(settings, ack, 0))
					case kind == ping && flags&ack == 0:
						c.Write(frame(ping, ack, 0, payload...))
					case kind == headers:
						n := requests.Add(1)
						body := fmt.Appendf(nil, "id:%d\ndata:\n\nid:no\ndata:", n)
						response := frame(headers, endHeaders, id, ok...)
						response = append(response, frame(data, 0, id, body...)...)
						end, closes := bytes.CutSuffix(test.end(id), closeConn)
						c.Write(append(response, end...))
						if closes {
							return
						}
					}
				}
			}
			var accepting, serving sync.WaitGroup
			accepting.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					serving.Go(func() { serve(tls.Server(c, cert.TLS)) })
				}
			})
			client := newClient(cert.Client())
			var ids []string
			client.Prepare = func(r *http.Request) error {
				ids = append(ids, r.Header.Get("Last-Event-ID"))
				return nil
			}
			s := open(t, client, "GET", "https://"+l.Addr().String(), nil)
			var got []string
			for len(got) < 5 && s.Next() {
				got = append(got, s.Event().ID)
			}
			s.Close()
			if s.Next() || s.Err() != nil {
				t.Errorf("Err() = %v", s.Err())
			}
			l.Close()
			accepting.Wait()
			l.closeConns()
			serving.Wait()
			equal(t, "events", got, []string{"1", "2", "3", "4", "5"})
			equal(t, "Last-Event-ID", ids, []string{"", "1", "2", "3", "4"})
		})
	}
}

// Many goroutines may use one Client and one request.
func TestClientIsShared(t *testing.T) {
	var want []sse.Event
	for i := range 20 {
		want = append(want, message(strconv.Itoa(i), "x"))
	}
	for protocol, newServer := range protocols {
		t.Run(protocol, func(t *testing.T) {
			srv := newServer(t, ssetest.Each(func(n int, r *http.Request) http.Handler {
				return ssetest.Conn{ssetest.After(n%300, ssetest.Cut()), ssetest.Replay(want...)}
			}))
			client := newClient(srv.Client())
			client.IdleTimeout = 10 * time.Second
			body := strings.NewReader("question")
			req, err := http.NewRequestWithContext(t.Context(), "QUERY", srv.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					s := client.Stream(req)
					if got := collect(s); !slices.Equal(got, want) || s.Err() != nil {
						t.Errorf("%d events, Err() = %v", len(got), s.Err())
					}
				})
			}
			wg.Wait()
			for _, r := range srv.Requests() {
				if string(r.Body) != "question" {
					t.Errorf("a request has the body %q", r.Body)
				}
			}
		})
	}
}
