"""The demo: a made-up shop, a day that passes in it, and what platforms should then hold.

Everybody in it is invented. No e-mail address, phone number or name leads to a person:
addresses end in domains reserved by RFC 2606, numbers stand in ranges that regulators
keep free for fiction (`syncd.demo.phones`).
"""
