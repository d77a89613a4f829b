package ssetest

import (
	"regexp"
	"runtime"
)

var bubblePattern = regexp.MustCompile(`^goroutine \d+ [^\n]*synctest bubble (\d+)`)

// currentBubble returns the number of the synctest bubble of this goroutine, or ""
// if there is none. Package synctest does not tell, but the first line of a stack
// trace does.
func currentBubble() string {
	var buf [128]byte
	m := bubblePattern.FindSubmatch(buf[:runtime.Stack(buf[:], false)])
	if m == nil {
		return ""
	}
	return string(m[1])
}
