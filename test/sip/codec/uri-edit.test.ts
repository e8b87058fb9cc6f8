import { describe, expect, it } from 'vitest'
import * as edit from '../../../src/sip/codec/uri-edit.ts'

const FULL = 'sip:alice:pw@old.example:5062;maddr=1.2.3.4;transport=tcp?X=1'

describe('edits of a Request-URI', () => {
  it.each([
    ['setHost keeps the rest, without maddr', edit.setHost(FULL, 'new'), 'sip:alice:pw@new:5062;transport=tcp?X=1'],
    ['setHost takes IPv6', edit.setHost('sip:a@h', '[::1]'), 'sip:a@[::1]'],
    ['setHostPort sets both', edit.setHostPort(FULL, 'new:1'), 'sip:alice:pw@new:1;transport=tcp?X=1'],
    ['setHostPort without port removes it', edit.setHostPort('sip:a@h:5', '[::1]'), 'sip:a@[::1]'],
    ['setPort replaces', edit.setPort('sip:a@h:5;lr', '6'), 'sip:a@h:6;lr'],
    ['setPort adds', edit.setPort('sip:a@h;lr', '6'), 'sip:a@h:6;lr'],
    ['setPort "" removes', edit.setPort('sip:a@h:5;lr', ''), 'sip:a@h;lr'],
    ['setUser keeps the password', edit.setUser(FULL, 'bob'), FULL.replace('alice', 'bob')],
    ['setUser "" keeps the password', edit.setUser('sip:a:pw@h', ''), 'sip::pw@h'],
    ['setUser "" removes the `@`', edit.setUser('sip:a@h', ''), 'sip:h'],
    ['setUser adds one', edit.setUser('sip:h;lr', 'bob'), 'sip:bob@h;lr'],
    ['setUserPassword replaces both', edit.setUserPassword('sip:a:b@h', 'c:d'), 'sip:c:d@h'],
    ['setUserPassword without password', edit.setUserPassword('sip:a:b@h', 'c'), 'sip:c@h'],
    ['setUserPassword ""', edit.setUserPassword('sip:a:b@h', ''), 'sip:h'],
    ['prefixUser', edit.prefixUser('sip:123@h', '00'), 'sip:00123@h'],
    ['prefixUser of no user', edit.prefixUser('sip:h', '00'), 'sip:00@h'],
    ['stripUser', edit.stripUser('sip:00123@h', 2), 'sip:123@h'],
    ['stripUser beyond the length', edit.stripUser('sip:00123@h', 9), 'sip:h'],
    ['stripUserTail', edit.stripUserTail('sip:00123:pw@h', 2), 'sip:001:pw@h'],
    ['stripUserTail beyond the length', edit.stripUserTail('sip:1@h', 2), 'sip:h'],
    ['prefixUser of a telephone number', edit.prefixUser('tel:123;isub=1', '+49'), 'tel:+49123;isub=1'],
    ['replaceUri', edit.replaceUri('urn:service:sos'), 'urn:service:sos'],
  ])('%s', (_name, result, expected) => {
    expect(result).toBe(expected)
  })

  it.each([
    ['a malformed URI', edit.setHost('example.com', 'h')],
    ['no host', edit.setHost('sip:a@h', '')],
    ['a host that is none', edit.setHost('sip:a@h', 'x y')],
    ['a host with a port', edit.setHost('sip:a@h', 'x:1')],
    ['a port that is none', edit.setPort('sip:a@h', '70000')],
    ['a port with more behind', edit.setHostPort('sip:a@h', 'x:1;lr')],
    ['a user with an `@`', edit.setUser('sip:a@h', 'b@c')],
    ['a negative strip', edit.stripUser('sip:a@h', -1)],
    ['the host of a telephone number', edit.setHost('tel:1', 'h')],
    ['an emptied telephone number', edit.stripUser('tel:1', 1)],
    ['a result over 1024 bytes', edit.setUser('sip:a@h', 'é'.repeat(600))],
    ['nothing', edit.replaceUri('')],
  ])('%s is refused', (_name, result) => {
    expect(result).toBeNull()
  })
})
