package operations

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: opentelemetry
// traced returns a copy of c for one stream. Each attempt has a span that ends with its response.
// After the end of the stream, call end.
func traced(c sse.Client, tracer trace.Tracer) (client *sse.Client, end func(error)) {
	span := trace.SpanFromContext(context.Background()) // does nothing
	end = func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
	c.Prepare = func(r *http.Request) error {
		var ctx context.Context
		ctx, span = tracer.Start(r.Context(), "sse.connect", trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("server.address", r.URL.Hostname())))
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
		return nil
	}
	c.OnOpen = func(r *http.Response) {
		span.SetAttributes(attribute.Int("http.response.status_code", r.StatusCode))
		end(nil)
	}
	c.OnRetry = func(err error, _ time.Duration) { end(err) }
	return &c, end
}

// end

func TestTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter := tracetest.NewInMemoryExporter()
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)).Tracer("example.com/app")
		srv := ssetest.NewMemoryServer(t, hello(),
			ssetest.Conn{ssetest.Status(http.StatusServiceUnavailable)},
			ssetest.Conn{ssetest.Status(http.StatusForbidden)})
		if err := followTraced(t.Context(), srv.Client(), srv.URL, tracer); err == nil {
			t.Error("got no error")
		}
		var got []codes.Code
		for _, span := range exporter.GetSpans() {
			got = append(got, span.Status.Code)
		}
		if want := []codes.Code{codes.Unset, codes.Error, codes.Error}; !slices.Equal(got, want) {
			t.Errorf("got spans %v, want %v", got, want)
		}
		for i, r := range srv.Requests() {
			if r.Header.Get("Traceparent") == "" {
				t.Errorf("request %d has no traceparent", i)
			}
		}
	})
}

func followTraced(
	ctx context.Context, httpClient *http.Client, url string, tracer trace.Tracer,
) error {
	// snippet: opentelemetry-use
	client, end := traced(sse.Client{HTTPClient: httpClient}, tracer)
	stream := client.Get(ctx, url)
	defer stream.Close()
	for stream.Next() {
		fmt.Println(stream.Event().Data)
	}
	end(stream.Err())
	return stream.Err()
	// end
}

// snippet: prometheus
// monitored returns a stream of c, and registers its metrics.
func monitored(c sse.Client, req *http.Request, reg prometheus.Registerer) *sse.Stream {
	retries := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sse_retries_total", Help: "Connections and attempts that ended.",
	})
	c.OnRetry = func(error, time.Duration) { retries.Inc() }
	stream := c.Stream(req)
	reg.MustRegister(retries,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sse_open", Help: "1 if the stream has a connection.",
		}, func() float64 {
			if stream.State() == sse.StateOpen {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sse_last_read_timestamp_seconds", Help: "When data arrived last.",
		}, func() float64 { return float64(stream.Stats().LastRead.UnixMilli()) / 1000 }))
	return stream
}

// end

func TestMonitored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := ssetest.NewMemoryServer(t, hello(), hello(), noContent)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewPedanticRegistry()
		stream := monitored(sse.Client{HTTPClient: srv.Client()}, req, reg)
		defer stream.Close()
		begin := float64(time.Now().Unix())
		for _, want := range []struct {
			next          bool
			retries, open float64
		}{{true, 0, 1}, {true, 1, 1}, {false, 2, 0}} {
			if stream.Next() != want.next {
				t.Fatal("Next is not", want.next)
			}
			families, err := reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]float64)
			for _, family := range families {
				m := family.GetMetric()[0]
				got[family.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			if got["sse_retries_total"] != want.retries || got["sse_open"] != want.open ||
				got["sse_last_read_timestamp_seconds"] < begin {
				t.Errorf("got %v, want %v after %v", got, want, begin)
			}
		}
	})
}
