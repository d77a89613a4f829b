package inspect

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/seed-0d85b69d/sse/internal/check"
)

// tickInterval is how often the counters, and findings with a higher count, are sent.
const tickInterval = 250 * time.Millisecond

// tick sends what has changed, from time to time, until ctx is done.
func (r *run) tick(ctx context.Context) {
	t := time.NewTicker(tickInterval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			r.sendFindings()
			r.sendStats()
		case <-ctx.Done():
			return
		}
	}
}

// sendStats sends the counters if they have changed.
func (r *run) sendStats() {
	now := time.Now()
	s := r.stats.Snapshot(now)
	c := counters{
		Events:     s.Events,
		Bytes:      s.Bytes,
		Rate:       math.Round(s.Rate*100) / 100,
		Reconnects: s.Reconnects,
		Comments:   s.Comments,
		Ignored:    s.Ignored,
	}
	if s.Events > 0 {
		first := milliseconds(s.First.Sub(r.start))
		c.FirstEvent = &first
	}
	if p50, p95, longest, ok := r.stats.Gaps(); ok {
		ms := [3]float64{milliseconds(p50), milliseconds(p95), milliseconds(longest)}
		c.GapP50, c.GapP95, c.GapMax = &ms[0], &ms[1], &ms[2]
	}
	text := encode(c)
	r.mu.Lock()
	changed := text != r.lastStats
	r.lastStats = text
	r.mu.Unlock()
	if changed {
		c.T = r.since(now)
		r.send(kindStats, kindStats, c)
	}
}

// A foundRule is a rule that responses of the run violate.
type foundRule struct {
	first   check.Finding // the first finding
	attempt int           // of the last finding
	current check.Finding // the last finding, whose count is that of its response
	earlier int           // the count of the responses before
	pending bool          // the count or the severity has changed since the last message
}

// found is called with each finding in the response to an attempt, and again when it has changed.
// The first finding of a rule is sent at once.
func (r *run) found(attempt int, f check.Finding) {
	r.mu.Lock()
	rule, known := r.findings[f.Rule]
	if !known {
		rule = &foundRule{first: f, attempt: attempt}
		r.findings[f.Rule] = rule
	}
	if attempt != rule.attempt {
		rule.earlier += rule.current.Count
		rule.attempt = attempt
	}
	rule.current, rule.pending = f, known
	m := rule.message()
	r.mu.Unlock()
	if !known {
		r.send(kindFinding, kindFinding+f.Rule, m)
	}
}

// ruleReasons says for each rule of the checker why it matters.
var ruleReasons = sync.OnceValue(func() map[string]string {
	reasons := make(map[string]string)
	for _, rule := range check.Rules() {
		reasons[rule.Name] = rule.Reason
	}
	return reasons
})

// message returns the message for the page.
func (f *foundRule) message() finding {
	return finding{
		Rule:     f.first.Rule,
		Severity: f.current.Severity.String(),
		Section:  f.first.Section,
		Text:     f.first.Message,
		Reason:   ruleReasons()[f.first.Rule],
		Count:    f.earlier + f.current.Count,
		Line:     f.first.Line,
	}
}

// sendFindings sends the findings that have changed.
func (r *run) sendFindings() {
	r.mu.Lock()
	var changed []finding
	for _, f := range r.findings {
		if f.pending {
			changed = append(changed, f.message())
			f.pending = false
		}
	}
	r.mu.Unlock()
	slices.SortFunc(changed, func(a, b finding) int { return cmp.Compare(a.Rule, b.Rule) })
	for _, m := range changed {
		r.send(kindFinding, kindFinding+m.Rule, m)
	}
}
