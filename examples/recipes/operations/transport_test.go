package operations

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: decompress
type decompressor struct{ *http.Transport }

func (d decompressor) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", "zstd, br")
	resp, err := d.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	var decoded io.Reader
	switch resp.Header.Get("Content-Encoding") {
	case "br":
		decoded = brotli.NewReader(resp.Body)
	case "zstd":
		decoded, err = zstd.NewReader(resp.Body,
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			resp.Body.Close()
			return nil, err
		}
	default:
		return resp, nil
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{decoded, resp.Body}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	return resp, nil
}

// end

// A flushWriter is a compressor.
type flushWriter interface {
	io.Writer
	Flush() error
}

// Each event must arrive before the next one is sent.
func TestDecompressor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		encoding string
		compress func(io.Writer) flushWriter
	}{
		{"br", func(w io.Writer) flushWriter { return brotli.NewWriter(w) }},
		{"zstd", func(w io.Writer) flushWriter {
			z, err := zstd.NewWriter(w)
			if err != nil {
				panic(err)
			}
			return z
		}},
	} {
		t.Run(test.encoding, func(t *testing.T) {
			t.Parallel()
			received := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Last-Event-ID") == "3" {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				w.Header().Set("Content-Encoding", test.encoding)
				z := test.compress(w)
				for _, id := range []string{"1", "2", "3"} {
					sse.Event{ID: id, Data: "hello"}.WriteTo(z)
					z.Flush()
					w.(http.Flusher).Flush()
					select {
					case <-received:
					case <-r.Context().Done():
						return
					}
				}
			}))
			defer srv.Close()
			defer srv.CloseClientConnections()
			client := &sse.Client{HTTPClient: &http.Client{Transport: decompressor{new(http.Transport)}}}
			defer client.HTTPClient.CloseIdleConnections()
			stream := client.Get(t.Context(), srv.URL)
			defer stream.Close()
			n := 0
			for stream.Next() {
				n++
				received <- struct{}{}
			}
			if n != 3 || stream.Err() != nil {
				t.Errorf("got %d events, %v", n, stream.Err())
			}
		})
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: ssetest.NewServer(t, hello(), noContent)}
	go srv.Serve(l)
	defer srv.Close()
	ctx := t.Context()
	// snippet: unix
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	client := &sse.Client{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
	}
	stream := client.Get(ctx, "http://localhost/events")
	// end
	readHello(t, stream, 1)
}

// snippet: proxy
// newProxyClient returns a Client for a proxy such as http://user:password@proxy.example:3128.
func newProxyClient(proxy *url.URL) *sse.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(proxy)
	return &sse.Client{HTTPClient: &http.Client{Transport: transport}}
}

// end

func TestProxy(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewServer(t, hello(), noContent)
	proxy, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := newProxyClient(proxy)
	defer client.HTTPClient.CloseIdleConnections()
	readHello(t, client.Get(t.Context(), "http://events.example/stream"), 1)
	if host := srv.Requests()[0].Host; host != "events.example" {
		t.Errorf("the proxy got a request for %s", host)
	}
}

// snippet: certificate
// newTLSClient returns a Client that shows a certificate and trusts the authorities in caFile.
func newTLSClient(certFile, keyFile, caFile string) (*sse.Client, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s contains no certificate", caFile)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{
		RootCAs: roots,
		// The files are read for each connection, so that a new certificate is used.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(certFile, keyFile)
			return &cert, err
		},
	}
	return &sse.Client{HTTPClient: &http.Client{Transport: transport}}, nil
}

// end

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(ssetest.NewServer(t, hello(), noContent))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()

	dir := t.TempDir()
	write := func(name, typ string, der []byte) string {
		path := filepath.Join(dir, name)
		err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(srv.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert := write("cert.pem", "CERTIFICATE", srv.Certificate().Raw)
	client, err := newTLSClient(cert, write("key.pem", "PRIVATE KEY", key), cert)
	if err != nil {
		t.Fatal(err)
	}
	defer client.HTTPClient.CloseIdleConnections()
	readHello(t, client.Get(t.Context(), srv.URL), 1)
}

func TestManyStreams(t *testing.T) {
	t.Parallel()
	const n = 20
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "retry: 1\n")
		sse.Event{ID: "1", Data: "hello"}.WriteTo(w)
	}))
	defer srv.Close()
	urls := make([]string, n)
	for i := range urls {
		urls[i] = srv.URL
	}
	ctx := t.Context()
	follow := func(stream *sse.Stream) { readHello(t, stream, 1) }
	// snippet: many
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ReadBufferSize = 1 << 10 // of each connection; the default is 4 KiB
	transport.WriteBufferSize = 1 << 10
	client := &sse.Client{HTTPClient: &http.Client{Transport: transport}, IdleTimeout: time.Minute}
	var streams sync.WaitGroup
	for _, url := range urls {
		streams.Go(func() { follow(client.Get(ctx, url)) })
	}
	streams.Wait()
	// end
	transport.CloseIdleConnections()
}

// snippet: http2
// tuneHTTP2 sets up a transport for many long streams over HTTP/2.
func tuneHTTP2(transport *http.Transport) {
	transport.HTTP2 = &http.HTTP2Config{
		SendPingTimeout:           30 * time.Second, // ping a connection that is silent so long
		PingTimeout:               15 * time.Second, // close it if there is no response
		WriteByteTimeout:          30 * time.Second, // close it if the server does not read
		MaxReceiveBufferPerStream: 256 << 10,        // for a stream whose reader is slow
	}
}

// end

func TestHTTP2(t *testing.T) {
	t.Parallel()
	srv := ssetest.NewTLSServer(t, hello(), noContent)
	httpClient := srv.Client()
	tuneHTTP2(httpClient.Transport.(*http.Transport))
	client := &sse.Client{HTTPClient: httpClient, OnOpen: func(r *http.Response) {
		if r.ProtoMajor != 2 {
			t.Errorf("got %s", r.Proto)
		}
	}}
	readHello(t, client.Get(t.Context(), srv.URL), 1)
}
