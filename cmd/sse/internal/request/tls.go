package request

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
)

// tlsConfig returns the configuration with the certificates of o.
func (o *Options) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: o.Insecure}
	if o.CACert != "" {
		pem, err := os.ReadFile(o.CACert)
		if err != nil {
			return nil, fmt.Errorf("--cacert %q: %w", o.CACert, errtext.Reason(err))
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--cacert %q: the file contains no certificate", o.CACert)
		}
	}
	switch {
	case o.Cert != "":
		cert, err := o.clientCertificate()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{cert}
	case o.Key != "":
		return nil, errors.New("--key needs --cert with the certificate of the key")
	}
	return c, nil
}

// clientCertificate reads the files of --cert and --key. Without --key, the key is in the file of
// the certificate.
func (o *Options) clientCertificate() (tls.Certificate, error) {
	certFile, keyFile := CertFileName(o.Cert), o.Key
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("--cert %q: %w", certFile, errtext.Reason(err))
	}
	flag, keyPEM := "--cert", certPEM
	if keyFile == "" {
		keyFile = certFile
	} else {
		flag = "--key"
		if keyPEM, err = os.ReadFile(keyFile); err != nil {
			return tls.Certificate{}, fmt.Errorf("--key %q: %w", keyFile, errtext.Reason(err))
		}
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return cert, nil
	case strings.Contains(string(keyPEM), "ENCRYPTED"):
		return cert, fmt.Errorf("%s %q: the key is encrypted; decrypt it with openssl pkey",
			flag, keyFile)
	}
	text := strings.TrimPrefix(err.Error(), "tls: ")
	return cert, fmt.Errorf("--cert %q: %s", certFile, text)
}

// CertFileName returns the name of the file in the value of --cert, which may be followed by ":"
// and a password. As in curl, "\:" and "\\" stand for ":" and "\". The password has no use, because
// encrypted keys cannot be read.
func CertFileName(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\' && i+1 < len(v) && (v[i+1] == ':' || v[i+1] == '\\'):
			i++
			b.WriteByte(v[i])
		case c == ':' && !(i == 1 && runtime.GOOS == "windows"): // a drive
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
