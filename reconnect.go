package sse

import "github.com/cenkalti/backoff/v4"

// DefaultBackoff returns the policy of a Client whose Backoff is nil.
func DefaultBackoff() backoff.BackOff { return backoff.NewExponentialBackOff() }
