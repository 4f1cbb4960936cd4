#!/usr/bin/env bash
# Takes pictures of a run's report.html as a browser shows it: on a desk and on a phone, light and dark.
#
#     scripts/look_at_report.sh model_output/storms/report.html [FOLDER]
#
# Needs chromium (apt-get install chromium).
set -euo pipefail
page=$(realpath "${1:?give a report.html}")
folder=${2:-.}
command -v chromium > /dev/null || { echo "chromium is missing: apt-get install chromium" >&2; exit 1; }
mkdir -p "$folder"
for size in 1280,4000 360,7500; do
    for mode in light dark; do
        picture="$folder/report-${size%,*}-$mode.png"
        dark=()
        [ "$mode" = dark ] && dark=(--force-dark-mode --blink-settings=preferredColorScheme=0)
        chromium --headless --no-sandbox --disable-gpu --hide-scrollbars "${dark[@]}" --window-size="$size" \
            --screenshot="$picture" "file://$page" 2> /dev/null
        echo "$picture"
    done
done
