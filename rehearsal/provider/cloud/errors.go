package cloud

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// ErrGone says that AWS knows no such resource (any more).
var ErrGone = errors.New("there is no such resource")

// gone lists the codes for a missing object that do not end in ".NotFound".
var gone = []string{
	"NoSuchEntity",
	"ParameterNotFound",
	"NoSuchBucket",
	"NoSuchKey",
	"NotFound",
	"404",
	"Gateway.NotAttached",
}

// Code returns AWS's error code, or nothing where AWS did not answer.
func Code(err error) string {
	if answer := (smithy.APIError)(nil); errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// Message returns AWS's own text of an error.
func Message(err error) string {
	if answer := (smithy.APIError)(nil); errors.As(err, &answer) {
		return answer.ErrorMessage()
	}
	return ""
}

// IsGone reports whether the error means that the resource does not exist.
func IsGone(err error) bool {
	code := Code(err)
	return errors.Is(err, ErrGone) || slices.Contains(gone, code) || strings.HasSuffix(code, ".NotFound")
}

// UnlessGone forgets an error that says that the resource does not exist: after a deletion that is what was
// wanted.
func UnlessGone(err error) error {
	if IsGone(err) {
		return nil
	}
	return err
}

// AsGone turns AWS's many codes for a missing object into ErrGone.
func AsGone(err error) error {
	if err != nil && IsGone(err) {
		return ErrGone
	}
	return err
}

// Sentence says what AWS refused as "Code: message", or why there was no answer.
func Sentence(err error) string {
	if code := Code(err); code != "" {
		return fmt.Sprintf("%s: %s", code, Message(err))
	}
	return strings.TrimRight(err.Error(), ".")
}
