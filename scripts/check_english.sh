#!/usr/bin/env bash
# Finds frequent slips of English in the Markdown pages, and in the comments and messages of Swift. CONTRIBUTING.md has the rules.
# ENGLISH_SWIFT=none leaves Swift out.
set -euo pipefail
cd "$(dirname "$0")/.."

# A rule per line: a name, an extended regular expression that ignores case, and what to write instead, separated by tabs.
# A word boundary is written as <word>, which becomes (^|[^[:alnum:]_])word([^[:alnum:]_]|$).
rules() {
    grep -v '^#' <<'RULES'
image	<pictures?>	image
british	<([a-z]*colour[a-z]*|grey[a-z]*|centre[sd]?|centring|behaviour[a-z]*|neighbour[a-z]*|favour[a-z]*|licences?|artefacts?|modelled|labelled|labelling|catalogue|whilst|analyse|analysed|analysing)>	the American spelling
british-ise	<(recogni|organi|optimi|quanti|initiali|normali|seriali|summari|customi|synchroni|authori|minimi|maximi|generali|visuali|speciali|standardi|prioriti|utili|tokeni|parameteri|randomi)s(e|ed|es|er|ing|ation|able)>	the American spelling, with z
people	<(whoever|nobody|somebody|everybody|who comes|who is next|who waits)>	request, client, caller or user
none	<(is none|are none|gives none|give none)>	is not a ..., or there is no ...
is-no	<(is no|are no) (file|image|model|onnx|number|name|time|class|network|key)s?>	is not a ...
precedence	<(go|goes|went) before>	takes precedence over
give-back	<(give|gives|given|gave|giving) back>	return or release
let-go	<lets? go>	evict or release
at-work	<at (work|rest)>	in flight, or idle
make-room	<(make|makes|making) room>	evict
take-up	<(take|takes|taken|taking) up>	load or reload
beside	<beside>	next to, or concurrently
behind	<behind (them|it|this|that|which)>	after
mend	<mend(s|ed|ing)?>	fix
per-cent	<per cent>	percent
turns	<in turns>	alternately
wire	<(speaks?|spoke|speaking) the wire>	is compatible with
free-shape	<free (shape|shapes|size)>	dynamic shape
threshold	<(least confidence|most overlap)>	minimum confidence, maximum overlap
per	<an? (name|line|polygon|mask|file|folder|program) an? (line|object|part|image|language|class)>	per
say-heading	^#+ say 	a noun phrase
RULES
}

# Rules that apply to Swift comments and messages: names, or "all".
swift_rules=all

# Wording that is right although a rule would find it, as extended regular expressions in lower case: correct English, the terms
# of the HEVC standard, a mode of Roboflow's, a name in code, and text that the hosted API prescribes.
exceptions='there (is|are) (none|no)|(de)?coded pictures?|[(]picture[.]|fit [(]grey edges[)] in|contains not recognised image type'

# Not checked: the changelog, whose entries describe the past.
markdown=$(git -c safe.directory="*" ls-files --cached --others --exclude-standard -- '*.md' ':!CHANGELOG.md' ':!Sources')
swift=$(git -c safe.directory="*" ls-files --cached --others --exclude-standard -- 'Sources/*.swift' 'Sources/*.docc/*.md' 'Package.swift')

# Prints file:line:text of Markdown, without code blocks, code spans and addresses of links.
prose_of_markdown() {
    awk '
        FNR == 1 { block = 0 }
        /^[[:space:]]*(```|~~~)/ { block = !block; next }
        block { next }
        { gsub(/`[^`]*`/, "`"); gsub(/\]\([^)]*\)/, "]"); gsub(/<?https?:[^ )>]*>?/, ""); print FILENAME ":" FNR ":" $0 }
    ' "$@"
}

# Prints file:line:text of the comments and string literals of Swift, without code spans.
prose_of_swift() {
    awk '
        FILENAME ~ /\.md$/ { gsub(/``?[^`]*``?/, "`"); print FILENAME ":" FNR ":" $0; next }
        {
            text = ""; rest = $0
            while (match(rest, /"([^"\\]|\\.)*"|\/\/.*/)) {
                text = text " " substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
            }
            if (text == "") next
            gsub(/`[^`]*`/, "`", text); gsub(/https?:[^ )>]*/, "", text)
            print FILENAME ":" FNR ":" text
        }
    ' "$@"
}

# Applies rules to file:line:text on standard input. $1: the names of the rules, or "all".
check() {
    local text found status=0 name pattern advice start='(^|[^[:alnum:]_])' end='([^[:alnum:]_]|$)'
    text=$(cat)
    while IFS=$'\t' read -r name pattern advice; do
        [ "$1" = all ] || case " $1 " in *" $name "*) ;; *) continue ;; esac
        pattern=${pattern//</$start(}
        pattern=${pattern//>/)$end}
        # The pattern applies to the text, not to the name of the file.
        found=$(sed -E 's/^([^:]*:[0-9]+):/\1\t/' <<<"$text" | awk -F '\t' -v pattern="$pattern" -v name="$name" -v advice="$advice" \
            -v exceptions="$exceptions" '
            { line = tolower(substr($0, length($1) + 2)); gsub(exceptions, "", line) }
            match(line, pattern) {
                word = substr(line, RSTART, RLENGTH)
                gsub(/^[^[:alnum:]#]+|[^[:alnum:]]+$/, "", word)
                printf "%s: \"%s\": write %s (rule %s)\n", $1, word, advice, name
            }')
        [ -z "$found" ] || { printf '%s\n' "$found"; status=1; }
    done < <(rules)
    return "$status"
}

status=0
# shellcheck disable=SC2086
prose_of_markdown $markdown | check all || status=1
if [ "${ENGLISH_SWIFT:-all}" != none ]; then
    # shellcheck disable=SC2086
    prose_of_swift $swift | check "$swift_rules" || status=1
fi
[ "$status" = 0 ] || echo "english: the lines above need another wording" >&2
exit "$status"
