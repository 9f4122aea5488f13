"""What the twelve workers write of documents, records, episodes and pages leaves as it was written."""

import base64
import hashlib
import re
import uuid
from pathlib import Path
from random import Random

import pytest

from loom.domain.enforcement import OutputRuling
from loom.domain.rules import OutputRule
from loom.enforcement.judges.output import rule_on
from loom.enforcement.reading.loader import load

RULES = load(Path(__file__).parents[2] / "enforcement").of(OutputRule)

# One text a line, by the worker that could have written it.
WRITTEN = """
## pattern-memory-analyzer
3 notes say nearly the same (ratio 0.914): mem-000123, mem-000124 and mem-000131
first seen 2026-03-08T02:30:00-06:00, last seen 2026-11-01T01:30:00-05:00, 17 times
notes/2026-11-21.md:312 contradicts notes/2026-10-02.md:14
cluster 7f3a9c01d4e5 grew from 4 to 11 notes
worker data-integrity failed 3 times the same way: HTTPStatusError 503 at workers/sources/hubspot.py:212
run 0199b2f4-7c1e-7a3b-9d2e-8f4f5a6b7c8d ended failed after 12.345 s
slot relationship-sentinel/2026-11-21T06:00:00-06:00 was superseded
digest sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08+patterns:1452172631777f57
silhouette 0.4471, threshold 0.85, k=12
"token budget" is said in 5 notes; "secret sauce" in 2
the password policy is mentioned in 3 notes, the API key rotation in 4
the phone list is out of date, says mem-000218
## instruction-optimizer
AGENTS.md:14 and CLAUDE.md:22 say the same in other words (0.93)
dead reference: `scripts/deploy.sh` in README.md:88 isn't there
'always use uv' (AGENTS.md:3) against 'never use uv' (docs/setup.md:41)
vague: 'soon', 'as needed', 'etc.' at docs/style.md:7
stale date: 'as of 2024-02-30' at README.md:12 is no date
write `Authorization: Bearer <token>` instead of the header by hand
`Authorization: Bearer $HUBSPOT_ACCESS_TOKEN` stands in README.md:9
`Authorization: Bearer YOUR_API_KEY` stands in docs/api.md:31
`Authorization: Basic authentication` is described twice
set HUBSPOT_ACCESS_TOKEN in the environment; GITHUB_TOKEN comes from Actions
export GITHUB_TOKEN=ghp_... and run it again
tokens that begin with pat-na1-, ghp_, glpat-, sk-ant-, xoxb- or AKIA are secrets
postgres://user:password@localhost:5432/app is the example in docs/db.md:4
postgres://${USER}:${PASSWORD}@${HOST}/app
https://x-access-token:***@github.com/org/repo.git
redis://:@localhost:6379/0
mysql://root:<password>@db/app
https://{user}:{token}@git.example.org/x
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJhc2U2NHNvbWV0aGluZ25vdHNlY3JldGF0YWxs deploy
SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
the private key belongs in a secret store, not in docs/keys.md
pip install "loom[workers]==1.2.3" && loom check
npm i @scope/pkg@1.2.3 react@18.2.0 @types/node@20.11.5
npx create-react-app@latest my-app
uses: actions/checkout@v4.1.0
uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
docker pull python@sha256:2f5dbd1d1e3c2b1a4b5c6d7e8f90123456789abcdef0123456789abcdef01234
git clone git@github.com:org/repo.git
go get golang.org/x/net@v0.17.0
@media (max-width: 600px) { .card { color: #1a2b3c; margin: 0 -4px } }
@import url("theme.css"); @font-face { src: url(a.woff2) }
grid-template-areas: "a b" "c d"; color: #AABBCCDD
def send_mail(self, *args, **kwargs): ...
decorator @app.route("/x") and @pytest.mark.slow
regex ^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$ matches too much
std::vector<int>::iterator it = v.begin();
C:\\Users\\team\\docs\\new\\readme.md
## staleness-detector
docs/onboarding.md was last touched 412 days ago (commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567)
review_by: 2026-09-30 has passed
docs/312-555-0142.md has no front matter
docs/2026/11/21/minutes-4111111111111111.md
link to https://example.org/p/2026/11/21/post-312-555-0142 is dead (404)
docs/api/v1.2.3/index.html -> docs/api/v2.0.0-rc.1/index.html
CHANGELOG.md names 10.0.19045.3803, the latest is 10.0.26100.4652
Chrome/120.0.6099.109 Safari/537.36
Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0
ratio 1:1.618, 16:9, 4:3
1,234,567 bytes; 1.234.567,89 EUR; USD 4,111.11; $1,299.00; 99.99 %
checksums differ: 5d41402abc4b2a76b9719d911017c592 and 7d793037a0760186574b0282f2f435e7
etag W/"33a64df551425fcc55e4d42a148795d9f25f89d4"
1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
10-20-30-40-50-60-70-80-90
2025-2026, 2019/20, Q3-2026, KW 47/2026, FY26
## relationship-sentinel
contact 12345678901 quiet for 45 days
deal 9876543210 (Acme, 2026 renewal) is 12 days past its close date 2026-11-09
https://app.hubspot.com/contacts/12345678/record/0-1/12345678901
https://app-eu1.hubspot.com/contacts/139872941/record/0-3/28736451928/
https://api.hubapi.com/crm/v3/objects/contacts/search?after=100&limit=100
https://api.hubapi.com/crm/v4/objects/deals/9876543210/associations/contacts
owner 51234567, portal 12345678, pipeline default, stage 13579246
lifecyclestage customer since 1763712345678
hs_lastmodifieddate 2026-11-20T18:04:31.412Z
hs_object_id 401234567890123
ticket #4012-3456-78
amount 12000.00, mrr 999.5, seats 120
renewal in 30 days; last touch 61 days ago; score 0.87
last mail to the contact was answered after 3 days
cell C12 of the forecast says 4000
the contact has no phone number and no mail address
phone is missing for 12 of 340 contacts
fax and telephone fields are empty in 17 records
mobile 55 %, desktop 45 %
## content-queue-scanner
queue/2026-11-28-launch-post.md is overdue by 3 days
status draft since 2026-10-12 (40 days), owner @maria, channel linkedin
title 'Why we moved to pnpm@9' is near 'Why we moved to pnpm' (0.95)
no post for newsletter on 2026-12-01, 2026-12-02 and 2026-12-03
hashtag #buildinpublic2026, handle @acme_hq
unknown owner @jdoe in queue/post-17.md
https://www.linkedin.com/feed/update/urn:li:activity:7123456789012345678/
https://x.com/acme/status/1789012345678901234
https://medium.com/@user/post-1234567890
https://www.threads.net/@acme/post/C1a2B3c4D5e
https://buffer.com/publish/profile/5f3c2a1b0d9e8f7a6b5c4d3e/tab/queue
https://www.notion.so/acme/Content-plan-0a1b2c3d4e5f60718293a4b5c6d7e8f9
https://linear.app/acme/issue/LOO-123/fix-the-thing
https://airtable.com/appAbCdEfGhIjKlMn/tblAbCdEfGhIjKlMn/viwAbCdEfGhIjKlMn
https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit
https://www.figma.com/file/AbCdEfGhIjKlMnOpQrStUv/Site?node-id=312-5550
utm_source=newsletter&utm_medium=mail&utm_campaign=2026-11
## data-integrity
contacts 101 and 102 have the same domain example.org and names 0.97 alike
row 312, column 'postcode': '60601-1234' isn't five digits
companies.csv:4111: 'founded' 1812-13-01 is no date
SKU 0012-3456-7890 stands twice
order 100012345678, invoice INV-2026-004711, PO 4500012345
EAN 4006381333931 and 9783161484100 have wrong prices
ISBN 978-3-16-148410-0, ISSN 2049-3630, DOI 10.1000/182.555.0142
GTIN 00012345600012
VAT id DE123456789, EORI GB123456789000, LEI 5493001KJTIIGC8Y1R12
BIC DEUTDEFF500, sort code 20-00-00
DE00 is no IBAN, nor is XX12 3456 7890 1234 5678 90
tracking 1Z999AA10123456784, 9400 1000 0000 0000 0000 00
vin 1HGCM82633A004352
isrc US-S1Z-99-00001
mac 00:1B:44:11:3A:B7, uuid 550e8400-e29b-41d4-a716-446655440000
ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV, ksuid 0ujtsYcgvSTl8PAuAdqWYSMnLOv, nanoid V1StGXR8_Z5jdHi6B-myT
mongo id 507f1f77bcf86cd799439011, cuid cjld2cjxh0000qzrmn831i7rn
ip 192.168.100.200, 10.0.0.0/8, 2001:db8::8a2e:370:7334, [::1]:8080
lat +41.8781140, lon -87.629798
POINT(-87.629798 41.878114)
3.14159265358979, 6.02214076e23, -1.6e-19, 0x7fffffff
+15%, -3.2 pp, +1234 -567 lines, +1234567.891 ms
1763712345, 1763712345678, 1763712345678901
$ref '#/components/schemas/Contact' isn't there
schema violation at /contacts/0/emails/1: 'format'
expected 340 rows, got 339; duplicates 12; orphans 7
null, NaN, Infinity, true, -0
## website-health-scanner
https://example.org:8443/a@b answered 502 in 1,203 ms
https://unpkg.com/react@18.2.0/umd/react.production.min.js is 131 kB
https://cdn.jsdelivr.net/npm/bootstrap@5.3.0-beta1/dist/css/bootstrap.min.css
https://cdn.example.org/hero@2x.png, https://cdn.example.org/photo@large.jpg and icon@mobile.webp
https://example.org/4111111111111111/photo
https://example.org/a?id=3125550142&page=12
https://example.org/sk-bratislava-old-town-hall-and-museum-visit
https://example.org/sk-admin-panel-for-the-big-company-guide-2024
https://example.org/path?sig=short&exp=1763712345
https://rr3---sn-a5m.googlevideo.com/videoplayback?expire=1763712345&ei=abc&sig=AJfQdSswRQIhAK
https://www.gravatar.com/avatar/205e460b479e2e5b48aec07710c08d50?s=80
https://fonts.googleapis.com/css2?family=Inter:wght@400;700&display=swap
https://maps.example.org/@41.8781136,-87.6297982,12z
https://www.google.com/maps/place/@41.8781,-87.6298,17z
https://o447951.ingest.sentry.io/api/5429215/envelope/ answers 200
integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"
content-security-policy: script-src 'nonce-rAnd0m' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
set-cookie: session=…; Max-Age=31536000; SameSite=Lax
cf-ray 8a1b2c3d4e5f6071-ORD, x-request-id 8f14e45f-ceea-4673-9d2a-1c2d3e4f5a6b
x-amz-cf-id: 3sdk9Fh2mQpLw8xYzVbNcRtUeWqAsDfGhJkLpOiUyTrEwQ==
x-vercel-id iad1::sfo1::7xk2p-1763712345678-0a1b2c3d4e5f
certificate expires 2026-12-24, serial 04:e7:1b:aa:09:3f:5c:11:d2:88:6d:aa:10:22:33:44
TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256
LCP 2.4 s, CLS 0.04, INP 180 ms, TTFB 312 ms
200 301 404 500
1.1.1.1, 8.8.8.8 and 9.9.9.9 resolve it
data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 10 10'/>
robots.txt disallows /admin, /wp-login.php and /token
mailto: and tel: links are empty on 3 pages
title 'Log in with your password' stands on 2 pages
password reset page has no h1
## media-pre-production
episode 142 on 2026-12-03 10:00-11:30 CST has no guest and no outline
clash: 'Recording 142' and 'All hands' at 2026-12-03T10:00:00-06:00
UID 20261203T160000Z-142 isn't in the calendar
DTSTART;TZID=America/Chicago:20261203T100000, RRULE:FREQ=WEEKLY;BYDAY=MO,TU
consent of guest 17 is missing; artwork is 2999x3000 px
S04E12, ep. 312, take 5 of 11
room 312-B, door 4
## media-post-production
00:01:02,345 --> 00:01:05,678 overlaps the cue before it by 0.210 s
chapter 00:45:10 comes after 00:44:59
episode-142/audio.wav is 1411 kbps, 44100 Hz, 01:02:33
loudness -16.2 LUFS, peak -1.0 dBTP
transcript.vtt:312: a cue without an end
show notes draft: 1,204 words, 9 links
thumbnail 1280x720, 4:2:0, yuv420p
## media-distribution
guid 8f14e45f-ceea-4673-9d2a-1c2d3e4f5a6b isn't on YouTube
guid tag:soundcloud,2010:tracks/1234567890
guid https://example.org/?p=4711 (isPermaLink false)
guid gid://art19-episode-locator/V0/Ab1cD2eF3gH4iJ5kL6mN7oP8
guid Buzzsprout-12345678
podcast:guid 917393e3-1b1e-5cef-ace4-edaa54e1f810
https://traffic.megaphone.fm/ABC1234567890.mp3?updated=1763712345
https://dts.podtrac.com/redirect.mp3/chrt.fm/track/ABC/episode-142.mp3
enclosure length 48211234, served 48211236, type audio/mpeg
itunes:duration 3753 against PT1H2M33S
https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=312s
https://youtu.be/dQw4w9WgXcQ?si=Ab1cD2eF3gH4iJ5k
https://www.youtube.com/playlist?list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf
https://www.youtube.com/@channel/videos
channel UC_x5XG1OV2P6uZZ5FSM9Ttw, etag p4VTdlkQv3HQeTEaXgvLePAydmU
https://open.spotify.com/episode/4rOoJ6Egrf8K2IrywzwOMk?si=0a1b2c3d4e5f6071
https://podcasts.apple.com/us/podcast/loom/id1234567890?i=1000654321098
pubDate Fri, 21 Nov 2026 08:00:00 -0600
pubDate Sat, 21 Nov 2026 14:00:00 +0000
## media-youtube-comments
comment UgzDE8pqZ1wXyZ4AaABAg asks how to install it
comment UgxKREWxIgDrw8w2e_Z4AaABAg.9wAbCdEfGhI9wBcDeFgHiJ has 3 answers
@handle asks: does it run on Windows 11 (10.0.22631)?
@some.user-42 says thanks
'call me maybe' isn't a lead
'my phone crashed at 12:30' is a complaint
'version 7.1.2 on my phone 7.1.2 fails'
'is it $99 or $1,299?' is unanswered for 49 h
spent 312 of 10000 quota units
videos.list?part=snippet&id=dQw4w9WgXcQ,9bZkp7q19f0
likes 4111, replies 12, subscribers 1,234,567
## media-linkedin-events
event 7123456789012345678 has no date
urn:li:share:7123456789012345678 and urn:li:organization:12345678
starts 2026-12-10T18:00:00-06:00, 90 min, 120 seats
https://www.linkedin.com/events/7123456789012345678/about/
## any worker
UTC-06:00, GMT+0100, +00:00, CST6CDT
12:30:45, 00:00:00.123456, 23:59:60
11-21-2026, 21.11.2026, 1/2/2026, 20261121, 2026-W47-6, 2026-325
P3DT4H5M, 1h 2m 3s, 300 ms
exit code 70, signal 15, pid 12345
loom/runner/work.py:132: in judge
File "/srv/app/workers/echo.py", line 312, in run
KeyError: 'hapikey'
ValueError: invalid literal for int() with base 10: '4111-1111'
TimeoutError after 600.0 s at attempt 3/3
pkg@1.2.3, name@version, user@host, root@localhost
@dataclass(frozen=True, slots=True)
a@b, @a, a@, @@, @1, 1@1
task-550e8400e29b41d4a716446655440000
key-value pairs, key-0, primary-key-17
secret_name, secret_key and access_token are its columns
secret_manager_client_for_production_and_staging_env
session_token: none
github_pattern, gh_pages, npm_config_cache, hf_hub_download, sg.json
ghs_some_function_name_that_is_rather_long_indeed
lin_reg_model, shp_file, doo_wop, dapiwrapper
twilio: disabled, mailgun: eu, square_size: 120, heroku_region: us
cloudflare_zone: active
AKIA, ASIA, AIza, EAAA, xox, eyJ, glpat-
ASIA2026 AND AKIA ARE PREFIXES
eyJhbGciOiJub25lIn0 is no signed token
TODO: sk-learn-is-a-library-with-quite-a-long-name-indeed
the social security office is closed
ssn column is empty in 12 rows
404-555, 312-555-01423, 5550142
#1234567, No. 12345678901, Nr. 4711
C++20, ISO 8601, RFC 9110, E.164, H.264
+20261121, +1, +12, ++i
call graph has 3125550142 edges
at least 3125550142 rows
phone numbers found: 12
tel 2026-11-21
cell 3 of 7
x = 312 - 555 - 0142
"""

_SECTION = re.compile(r"^## ", re.M)
_random = Random("outputs")  # noqa: S311 - the same in every run
_ids = [str(uuid.UUID(int=_random.getrandbits(128), version=4)) for _ in range(40)]
BY_KIND = {
    **{part.partition("\n")[0]: part.splitlines() for part in _SECTION.split(WRITTEN.strip()) if part},
    "ids": _ids,
    "hashes": [hashlib.sha256(each.encode()).hexdigest()[:n] for each in _ids[:12] for n in (7, 12, 40, 64)],
    "numbers": [str(_random.randrange(10**9, 10**12)) for _ in range(20)],
    "videos": [base64.urlsafe_b64encode(_random.randbytes(8)).decode().rstrip("=") for _ in range(30)],
    "images": [
        f"data:image/png;base64,{base64.b64encode(_random.randbytes(n)).decode()}" for n in (99, 30_000)
    ],
    "chunks": [base64.encodebytes(_random.randbytes(30_000)).decode(), _random.randbytes(20_000).hex()],
}
TEXTS = [text for texts in BY_KIND.values() for text in texts]


def test_there_are_enough_of_them() -> None:
    assert len(set(TEXTS)) >= 300
    assert len(BY_KIND) == 19


@pytest.mark.parametrize("kind", BY_KIND)
def test_nothing_of_it_is_redacted_or_refused(kind: str) -> None:
    changed = []
    for text in BY_KIND[kind]:
        output = {"a": text, "b": f"Found {text} here", "c": f"({text})", "d": f"{text}, {text}.", text: "e"}
        found = rule_on(RULES, output)
        changed += [] if found == OutputRuling(output) else [found]
    assert changed == []


def test_all_of_it_passes_as_one_output() -> None:
    output = {"summary": "\n".join(TEXTS), "findings": [{"title": text, "detail": text} for text in TEXTS]}
    assert rule_on(RULES, output) == OutputRuling(output)
