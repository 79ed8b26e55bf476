"""What sipp plays: carriers and agents, as scenarios for sipp (-sf).

The carrier's one scenario decides by the last four digits of the number:
  0SSS  the final status SSS       1CCC  480 with the Q.850 cause CCC     2SSS  SSS after ringing
  3001  rings until CANCEL         3002  nothing at all                   3003  503, Retry-After 2
  3004  rings, and answers what is cancelled    3005  rings for a second, then 486
  91xx  answers, hangs up after xx * 0.1 s (01 03 05 10 20)              90xx    answers, never hangs up
"""


FINAL = [401, 402, 403, 404, 407, 408, 410, 416, 429, 480, 484, 486, 488, 500, 502, 503, 504, 600,
         603, 604, 606, 607, 608]
CAUSES = [1, 3, 17, 18, 19, 21, 28, 34, 41, 50, 57]

SDP = """v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


def reply(status, reason="Word", headers="", body="", retrans=False, next_label=None):
    attributes = ' retrans="500"' if retrans else ""
    if next_label:
        attributes += ' next="%s"' % next_label
    length = "Content-Type: application/sdp\n      Content-Length: [len]\n\n" + body if body \
        else "Content-Length: 0\n"
    return """  <send%s><![CDATA[
SIP/2.0 %d %s
[last_Via:]
[last_From:]
[last_To:];tag=[pid]t[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
%s%s
]]></send>
""" % (attributes, status, reason, headers, length.replace("      ", ""))


def in_dialog_reply(status, body=""):
    return reply(status, "OK", "", body, retrans=bool(body)).replace(
        ";tag=[pid]t[call_number]", "")


BYE = """  <send retrans="500"><![CDATA[
BYE [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$me]
To:[$peer]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
"""

KEEP = """<action>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/>
    <ereg regexp=".*" search_in="hdr" header="To:" assign_to="me"/>
  </action>"""


def options_first():
    """OPTIONS begin dialogs of their own at the carrier: the scenario takes either."""
    return """  <recv request="OPTIONS" optional="true" next="options"></recv>
  <recv request="INVITE">
    <action>
      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" assign_to="contact"/>
%s    </action>
  </recv>
"""


def choose(branches):
    """Actions and jumps for (label, regexp of the request line)."""
    actions = "".join('      <ereg regexp="%s" search_in="msg" check_it="false" '
                      'assign_to="%s"/>\n' % (regexp, label) for label, regexp in branches)
    jumps = "".join('  <nop next="%s" test="%s"/>\n' % (label, label) for label, _ in branches)
    return actions, jumps


def ends_in(digits):
    return "^INVITE sip:[^@]*%s@" % digits


def refusal(label, status, headers="", ringing=0):
    text = '  <label id="%s"/>\n' % label
    if ringing:
        text += reply(180, "Ringing") + '  <pause milliseconds="%d"/>\n' % ringing
    return text + reply(status, "No", headers, retrans=True) + \
        '  <recv request="ACK" next="end"/>\n'


def answer(label, talk_ms, ring_ms, port):
    """180, 200, and then INVITEs and BYE as they come. talk_ms None = never hangs up."""
    limit = ' timeout="%d" ontimeout="%s_hang"' % (talk_ms, label) if talk_ms is not None else ""
    text = '  <label id="%s"/>\n' % label + reply(180, "Ringing")
    text += '  <pause milliseconds="%d"/>\n' % ring_ms
    text += reply(200, "OK", "", SDP.format(port=port), retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    text += '  <label id="%s_up"/>\n' % label
    text += '  <recv request="INVITE" optional="true" next="%s_re"%s></recv>\n' % (label, limit)
    text += '  <recv request="BYE"%s></recv>\n' % limit
    text += in_dialog_reply(200).replace("<send", '<send next="end"', 1)
    text += '  <label id="%s_re"/>\n' % label
    text += in_dialog_reply(200, SDP.format(port=port))
    text += '  <recv request="ACK" next="%s_up"></recv>\n' % label
    if talk_ms is not None:
        text += '  <label id="%s_hang"/>\n' % label + BYE + '  <nop next="end"/>\n'
    return text


HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x">\n'
TAIL = """  <label id="options"/>
%s  <label id="end"/>
  <nop/>
  <Reference variables="contact,peer,me"/>
</scenario>
""" % reply(200, "OK")


def carrier_scenario(talk_ms=None, ring_ms=50):
    branches = [("s%d" % s, ends_in("0%d" % s)) for s in FINAL]
    branches += [("c%d" % c, ends_in("1%03d" % c)) for c in CAUSES]
    branches += [("r408", ends_in("2408")), ("r487", ends_in("2487")), ("ring", ends_in("3001")),
                 ("silent", ends_in("3002")), ("later", ends_in("3003")),
                 ("race", ends_in("3004")), ("busylate", ends_in("3005"))]
    branches += [("wait", ends_in("90[0-9][0-9]"))]
    times = [1, 3, 5, 10, 20]
    branches += [("t%d" % t, ends_in("91%02d" % t)) for t in times]
    actions, jumps = choose(branches)
    text = HEAD + options_first() % actions + jumps
    text += answer("plain", talk_ms if talk_ms is not None else 300, ring_ms, 4000)
    for s in FINAL:
        text += refusal("s%d" % s, s)
    for c in CAUSES:
        text += refusal("c%d" % c, 480, 'Reason: SIP;cause=480, Q.850;cause=%d;text="x"\n' % c)
    text += refusal("r408", 408, ringing=50) + refusal("r487", 487, ringing=50)
    text += refusal("later", 503, "Retry-After: 2\n")
    text += refusal("busylate", 486, ringing=1000)
    text += '  <label id="ring"/>\n' + reply(180, "Ringing") + \
        '  <recv request="CANCEL"></recv>\n' + cancel_replies()
    text += '  <label id="silent"/>\n  <recv request="BYE" timeout="60000"/>\n' \
        '  <nop next="end"/>\n'
    text += '  <label id="race"/>\n' + reply(180, "Ringing") + \
        '  <recv request="CANCEL"></recv>\n' + reply(200, "OK") + \
        reply(200, "OK", "", SDP.format(port=4000), retrans=True).replace(
            "[last_CSeq:]", "CSeq: 1 INVITE").replace(
            "[last_Via:]", "Via:[$via]") + \
        '  <recv request="ACK"></recv>\n  <recv request="BYE"></recv>\n' + \
        in_dialog_reply(200).replace("<send", '<send next="end"', 1)
    text += answer("wait", None, ring_ms, 4000)
    for t in times:
        text += answer("t%d" % t, 100 * t, ring_ms, 4000)
    text = text.replace('<ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:"',
                        '<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>\n'
                        '      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:"')
    return text + TAIL.replace("contact,peer,me",
                               ",".join(["contact,peer,me,via"] + [b for b, _ in branches]))


def cancel_replies():
    """200 to the CANCEL, then 487 to the INVITE."""
    return reply(200, "OK") + reply(487, "Request Terminated", retrans=True).replace(
        "[last_CSeq:]", "CSeq: 1 INVITE").replace("[last_Via:]", "Via:[$via]") + \
        '  <recv request="ACK" next="end"/>\n'


def slow_carrier_scenario(ring_ms, status=486):
    """Every phone rings for so long, and then says the status."""
    return HEAD + options_first() % "" + refusal("slow", status, ringing=ring_ms) + \
        TAIL.replace("contact,peer,me", "contact")


def digest_scenario(user, password):
    """Asks for credentials, and takes only the right ones."""
    return HEAD + options_first() % "" + """  <send><![CDATA[
SIP/2.0 401 Unauthorized
[last_Via:]
[last_From:]
[last_To:];tag=[pid]t[call_number]
[last_Call-ID:]
[last_CSeq:]
WWW-Authenticate: Digest realm="belfry.test", nonce="47ebe028cda119c35d4877b383027d28da013815", qop="auth"
Content-Length: 0

]]></send>
  <recv request="ACK"/>
  <recv request="INVITE">
    <action><verifyauth assign_to="right" username="%s" password="%s"/></action>
  </recv>
  <nop next="good" test="right"/>
""" % (user, password) + refusal("bad", 401, 'WWW-Authenticate: Digest realm="belfry.test", '
                                 'nonce="77ebe028cda119c35d4877b383027d28da013815", qop="auth"\n') + \
        answer("good", 200, 20, 4000) + TAIL.replace("contact,", "contact,right,")


def reinviting_scenario():
    """Answers, holds and lets go by an INVITE of its own, then hangs up."""
    invite = """  <send retrans="500"><![CDATA[
INVITE [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$me]
To:[$peer]
[last_Call-ID:]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

""" + SDP.format(port=4444) + """a=sendonly

]]></send>
  <recv response="100" optional="true"/>
  <recv response="200"/>
  <send><![CDATA[
ACK [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$me]
To:[$peer]
[last_Call-ID:]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <pause milliseconds="200"/>
"""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000), retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    text += '  <recv request="INVITE"></recv>\n' + in_dialog_reply(200, SDP.format(port=4000))
    text += '  <recv request="ACK"></recv>\n  <pause milliseconds="200"/>\n' + invite
    return text + BYE.replace("CSeq: 1", "CSeq: 2") + TAIL


def pending_scenario(refusals, status, headers=""):
    """Answers, refuses so many INVITEs within the dialog, and takes the next one."""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000), retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    for _ in range(refusals):
        text += '  <recv request="INVITE"></recv>\n' + in_dialog_reply(status).replace(
            "Content-Length", headers + "Content-Length")
        text += '  <recv request="ACK"></recv>\n'
    text += '  <recv request="INVITE"></recv>\n' + in_dialog_reply(200, SDP.format(port=4000))
    text += '  <recv request="ACK"></recv>\n  <pause milliseconds="200"/>\n'
    return text + BYE + TAIL


def unjoined_scenario(is_silent):
    """Answers, and then says nothing to the INVITE that bridges; or answers without a description."""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000) if is_silent else "", retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    if is_silent:
        text += '  <recv request="INVITE"></recv>\n'
    return text + '  <recv request="BYE"></recv>\n' + in_dialog_reply(200) + TAIL


def late_offer_scenario():
    """An INVITE without an offer is answered with one; the answer comes in the ACK."""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000), retrans=True)
    text += """  <recv request="ACK">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="me"/>
      <ereg regexp="m=audio 5000" search_in="body" check_it="true" assign_to="sdp"/>
    </action>
  </recv>
  <pause milliseconds="300"/>
"""
    return text + BYE + TAIL.replace("contact,", "contact,sdp,")


def agent_scenario(status=200, talk_ms=None):
    text = HEAD + options_first() % ""
    if status != 200:
        return text + refusal("no", status) + TAIL.replace("contact,peer,me", "contact")
    return text + answer("yes", talk_ms, 0, 5000).replace(reply(180, "Ringing"), "", 1) + TAIL
