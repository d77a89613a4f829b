package moving

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

type chunk struct{ Text string }

func beforeScanner(client *http.Client, req *http.Request, show func(text string)) error {
	// snippet: scanner-before
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	scanner := bufio.NewScanner(resp.Body)
	for scanner.Scan() {
		data, ok := bytes.CutPrefix(scanner.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			return nil
		}
		var c chunk
		if err := json.Unmarshal(data, &c); err != nil {
			return err
		}
		show(c.Text)
	}
	return scanner.Err()
	// end
}

func afterScanner(httpClient *http.Client, req *http.Request, show func(text string)) error {
	// snippet: scanner-after
	decode := func(typ string, data []byte) (chunk, error) {
		if string(data) == "[DONE]" {
			return chunk{}, sse.Done
		}
		return sse.JSON[chunk](typ, data)
	}
	client := &sse.Client{HTTPClient: httpClient, IdleTimeout: 5 * time.Minute}
	for c, err := range sse.DecodeUntilDone(client.Stream(req), decode) {
		if err != nil {
			return err
		}
		show(c.Text)
	}
	return nil
	// end
}

func TestScanner(t *testing.T) {
	type side func(*http.Client, *http.Request, func(text string)) error
	run := func(s side, stream string) (got []string, err error) {
		srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Raw(stream)})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL,
			strings.NewReader(`{"stream": true}`))
		if err != nil {
			t.Fatal(err)
		}
		err = s(http.DefaultClient, req, func(text string) { got = append(got, text) })
		return got, err
	}
	a := `{"text": "a"}`
	for _, test := range []struct {
		name, stream  string
		before, after string
	}{
		{"complete", "data: " + a + "\n\ndata: [DONE]\n\n", "a, <nil>", "a, <nil>"},
		{"no space", "data:" + a + "\n\ndata:[DONE]\n\n", ", <nil>", "a, <nil>"},
		{"bare CR", "data: " + a + "\r\rdata: [DONE]\r\r",
			", invalid character 'd' after top-level value", "a, <nil>"},
		{"two lines", "data: {\"text\":\ndata: \"a\"}\n\ndata: [DONE]\n\n",
			", unexpected end of JSON input", "a, <nil>"},
		{"no last event", "data: " + a + "\n\n", "a, <nil>", "a, unexpected EOF"},
		{"error event", "event: error\ndata: {\"message\": \"overloaded\"}\n\n", ", <nil>",
			`, sse: event of type "error": error event: {"message": "overloaded"}`},
		{"large", "data: {\"text\": \"" + large.Data + "\"}\n\n",
			", bufio.Scanner: token too long", large.Data + ", unexpected EOF"},
	} {
		for _, s := range []struct {
			name string
			run  side
			want string
		}{{"before", beforeScanner, test.before}, {"after", afterScanner, test.after}} {
			t.Run(test.name+" "+s.name, func(t *testing.T) {
				got, err := run(s.run, test.stream)
				text := strings.Join(got, "") + ", <nil>"
				if err != nil {
					text = strings.Join(got, "") + ", " + err.Error()
				}
				if text != s.want && !strings.HasSuffix(text, s.want) {
					t.Errorf("got %.200q, want %.200q", text, s.want)
				}
			})
		}
	}
}
