package http2server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/seed-0d85b69d/sse/internal/e2e/eventlog"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	maxFrame      = 16 << 10   // the largest DATA frame that a client must accept
	defaultWindow = 64<<10 - 1 // the flow-control window before any SETTINGS or WINDOW_UPDATE
)

var errEnded = errors.New("http2server: the stream or the connection ended")

// A conn is a connection of a client.
type conn struct {
	server    *Server
	net       net.Conn
	streaming sync.WaitGroup

	mu            sync.Mutex // held while writing
	grown         sync.Cond  // a window has grown, or a stream or the connection has ended
	framer        *http2.Framer
	block         bytes.Buffer // of a HEADERS frame
	encoder       *hpack.Encoder
	streams       map[uint32]*stream
	lastStream    uint32
	window        int64 // how many bytes may be sent
	initialWindow int64 // of a new stream
	ended         bool
}

// A stream is a response whose end has not been sent.
type stream struct {
	window int64         // how many bytes may be sent
	done   chan struct{} // closed by end
	ended  bool          // by RST_STREAM, by drain, or because the connection ended
}

func (s *stream) end() {
	if !s.ended {
		s.ended = true
		close(s.done)
	}
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		server:        s,
		net:           nc,
		framer:        http2.NewFramer(nc, nc),
		streams:       make(map[uint32]*stream),
		window:        defaultWindow,
		initialWindow: defaultWindow,
	}
	c.grown.L = &c.mu
	c.encoder = hpack.NewEncoder(&c.block)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	return c
}

// close closes the connection and ends its streams.
func (c *conn) close() {
	c.net.Close() // before c.mu is locked, because a blocked write holds it
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, s := range c.streams {
		s.end()
	}
	c.grown.Broadcast()
}

// serve reads frames until the connection ends.
func (c *conn) serve() {
	c.server.waitSilence()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c.net, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	c.server.waitSilence()
	if c.write(func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1 << 20})
	}) != nil || c.server.currentBehavior() == Close {
		return
	}
	for {
		frame, err := c.framer.ReadFrame()
		c.server.waitSilence()
		if err != nil || c.handle(frame) != nil {
			return
		}
	}
}

// write calls f with the framer. The frames of several calls do not mix.
func (c *conn) write(f func(*http2.Framer) error) error {
	c.server.waitSilence()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errEnded
	}
	return f(c.framer)
}

// handle handles one frame. It returns an error to end the connection.
func (c *conn) handle(frame http2.Frame) error {
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		if frame.IsAck() {
			return nil
		}
		if size, ok := frame.Value(http2.SettingInitialWindowSize); ok {
			c.setInitialWindow(int64(size))
		}
		return c.write((*http2.Framer).WriteSettingsAck)
	case *http2.PingFrame:
		if frame.IsAck() {
			return nil
		}
		data := frame.Data
		return c.write(func(f *http2.Framer) error { return f.WritePing(true, data) })
	case *http2.WindowUpdateFrame:
		c.growWindow(frame.StreamID, int64(frame.Increment))
	case *http2.RSTStreamFrame:
		c.endStream(frame.StreamID)
	case *http2.MetaHeadersFrame:
		return c.respond(frame)
	}
	return nil
}

func (c *conn) setInitialWindow(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		s.window += size - c.initialWindow
	}
	c.initialWindow = size
	c.grown.Broadcast()
}

func (c *conn) growWindow(id uint32, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == 0 {
		c.window += n
	} else if s := c.streams[id]; s != nil {
		s.window += n
	}
	c.grown.Broadcast()
}

func (c *conn) endStream(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.streams[id]; s != nil {
		s.end()
	}
	c.grown.Broadcast()
}

// respond responds to the request of frame.
func (c *conn) respond(frame *http2.MetaHeadersFrame) error {
	id := frame.StreamID
	c.mu.Lock()
	c.lastStream = max(c.lastStream, id)
	c.mu.Unlock()

	switch c.server.request() {
	case GoAway:
		c.write(func(f *http2.Framer) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) })
		return errEnded
	case Close:
		return errEnded
	case Refuse:
		return c.write(func(f *http2.Framer) error {
			return f.WriteRSTStream(id, http2.ErrCodeRefusedStream)
		})
	case Unavailable:
		return c.write(func(f *http2.Framer) error {
			return errors.Join(c.writeHeaders(id, "503", "text/plain"), f.WriteData(id, true, nil))
		})
	case Empty:
		return c.write(func(f *http2.Framer) error {
			return errors.Join(c.writeHeaders(id, "200", "text/event-stream"),
				f.WriteData(id, true, nil))
		})
	case Serve:
		last := 0
		for _, field := range frame.RegularFields() {
			if field.Name == "last-event-id" {
				last, _ = strconv.Atoi(field.Value)
			}
		}
		s := &stream{done: make(chan struct{})}
		err := c.write(func(*http2.Framer) error {
			s.window = c.initialWindow
			c.streams[id] = s
			return c.writeHeaders(id, "200", "text/event-stream")
		})
		if err != nil {
			return err
		}
		log := c.server.logOf(frame.PseudoValue("path"))
		c.streaming.Go(func() { c.stream(id, s, log, last) })
	}
	return nil
}

// writeHeaders writes the headers of a response. The caller holds c.mu.
func (c *conn) writeHeaders(id uint32, status, contentType string) error {
	c.block.Reset()
	c.encoder.WriteField(hpack.HeaderField{Name: ":status", Value: status})
	c.encoder.WriteField(hpack.HeaderField{Name: "content-type", Value: contentType})
	return c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: c.block.Bytes(), EndHeaders: true,
	})
}

// stream writes the events of log after event number last until the stream ends.
func (c *conn) stream(id uint32, s *stream, log *eventlog.Log, last int) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.streams, id)
	}()
	for {
		n, ok := log.Wait(last, s.done)
		if !ok {
			return
		}
		b, err := eventlog.Append(nil, last, n)
		if err != nil {
			panic(err) // an event without a wire form
		}
		if c.writeData(id, s, b) != nil {
			return
		}
		last = n
	}
}

// writeData writes b as DATA frames within the windows that the client grants.
func (c *conn) writeData(id uint32, s *stream, b []byte) error {
	for len(b) > 0 {
		c.server.waitSilence()
		c.mu.Lock()
		for min(c.window, s.window) <= 0 && !c.ended && !s.ended {
			c.grown.Wait()
		}
		if c.ended || s.ended {
			c.mu.Unlock()
			return errEnded
		}
		n := min(int64(len(b)), maxFrame, c.window, s.window)
		c.window -= n
		s.window -= n
		err := c.framer.WriteData(id, false, b[:n])
		c.mu.Unlock()
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// drain ends all streams after a GOAWAY.
func (c *conn) drain() {
	c.write(func(f *http2.Framer) error {
		err := f.WriteGoAway(c.lastStream, http2.ErrCodeNo, nil)
		for id, s := range c.streams {
			if !s.ended {
				s.end()
				err = errors.Join(err, f.WriteData(id, true, nil))
			}
		}
		c.grown.Broadcast()
		return err
	})
}
