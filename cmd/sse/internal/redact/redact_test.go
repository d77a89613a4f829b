package redact

import (
	"net/url"
	"testing"
)

func TestHeaderHidesSecrets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, want string }{
		{"Authorization", "Bearer s3cret", "Bearer ****"},
		{"Authorization", "basic s3cret", "basic ****"},
		{"Authorization", "s3cret x", "****"},
		{"Authorization", "s3cret", "****"},
		{"X-Link", "http://user:p@ssw0rd@host/", "http://host/"},
		{"X-Link", "<http://h/a?sig=abc,DEF&x>; rel=self", "<http://h/a?sig=****&****>; rel=self"},
		{"X-Link", "0; url=/x?token=s3cret#access_token=s3cret",
			"0; url=/x?token=****#access_token=****"},
		{"X-Link", "http://h/%zz?s3cret", "****"},
		{"X-Link", "text/html; charset=utf-8; q=0.5, text/plain=1",
			"text/html; charset=utf-8; q=0.5, text/plain=1"},
		{"X-Sig", "s3cret", "****"},
		{"X_Idempotency_Key", "shown", "shown"},
	} {
		if got := Header(test.name, test.value); got != test.want {
			t.Errorf("mask(%q, %q) = %q, want %q", test.name, test.value, got, test.want)
		}
	}
}

func TestURLHidesSecrets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://u:p@h/a?b=c&d=e#f":  "http://h/a?b=****&d=****",
		"https://h/?token":          "https://h/?****",
		"http://h/%1b%5b31m":        "http://h/%1b%5b31m",
		"http://h:80/p?a=b%26c&&x=": "http://h:80/p?a=****&****&x=****",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := URL(u); got != want {
			t.Errorf("redact(%s) = %s, want %s", in, got, want)
		}
	}
}
