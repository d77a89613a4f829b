package main

// A target is an upper limit of a measured value.
type target struct {
	what string
	most float64
	got  float64
}

// passesTargets contains the upper limits of the CPU time of borrowed, divided by that of passes.
var passesTargets = map[string]float64{
	"llm": 1.4, "anthropic": 1.3, "ticks": 1.1, "wiki": 1.35, "multiline": 1.8, "crlf": 1.5,
	"cr": 1.6, "comments": 0.5, "utf8": 3.6, "dribble": 1.6,
}

// peerTarget returns the upper limit of the CPU time of borrowed, divided by that of the fastest
// correct peer.
func peerTarget(workload string) float64 {
	switch workload {
	case "utf8":
		return 0.6
	case "dribble":
		return 0.75
	}
	return 0.35
}

// stringsTarget is the upper limit of the CPU time of strings, divided by that of the fastest
// correct peer whose events have ids.
const stringsTarget = 0.85

// targets returns the targets for what was measured.
func (r *results) targets() (all []target) {
	add := func(what string, most, got float64) { all = append(all, target{what, most, got}) }
	for _, p := range r.Parsings {
		if most, ok := passesTargets[p.Name]; ok {
			add(p.Name+": borrowed compared with passes", most, p.Rows["borrowed"].Passes)
		}
		add(p.Name+": borrowed compared with "+p.Best, peerTarget(p.Name), p.Borrowed)
		add(p.Name+": strings compared with "+p.BestID, stringsTarget, p.Strings)
	}
	return all
}

// check returns a table of the targets, and the number of those that are missed.
func (r *results) check() (list string, missed int) {
	head := []string{"target", "at most", "measured", "met"}
	list = table(head, func(yield func(cells ...string)) {
		for _, t := range r.targets() {
			met := "yes"
			if !(t.got <= t.most) { // a NaN also misses the target
				met = "**no**"
				missed++
			}
			yield(t.what, ratio(t.most), ratio(t.got), met)
		}
	})
	if list != "" {
		list = "## Targets\n\n" + list + "\n"
	}
	return list, missed
}
