import { describe, expect, it } from 'vitest'
import { exposureWarning, isLoopback } from '../../../src/mi/doors/exposure.ts'
import { httpdWarning } from '../../../src/modules/httpd/warning.ts'
import { datagramWarning } from '../../../src/modules/mi_datagram/warning.ts'

describe('who can reach a door', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1'])('%s is this machine only', host => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each(['', '*', '0.0.0.0', '::', '10.0.0.1', '2001:db8::1', 'example.org'])('%j is others too', host => {
    expect(isLoopback(host)).toBe(false)
  })

  it('a door on all addresses without a password is warned about', () => {
    const door = { door: 'httpd', host: '*', port: 8888, remedy: 'set a password' }
    expect(exposureWarning({ ...door, authenticated: false })).toBe(
      'httpd offers every management command on port 8888 of all addresses without asking for a password: set a password',
    )
    expect(exposureWarning({ ...door, authenticated: true })).toBeNull()
    expect(exposureWarning({ ...door, host: '127.0.0.1', authenticated: false })).toBeNull()
  })

  it('the modules tell it from their parameters', () => {
    const httpd = { ip: '10.0.0.1', port: 8888, auth_username: undefined, auth_password: undefined, user: [] }
    expect(httpdWarning(httpd)).toContain('10.0.0.1 port 8888')
    expect(httpdWarning({ ...httpd, auth_username: 'u', auth_password: 'p' })).toBeNull()
    expect(datagramWarning('udp:0.0.0.0:8080')).toContain('0.0.0.0 port 8080')
    expect(datagramWarning('udp:[::1]:8080')).toBeNull()
    expect(datagramWarning('/tmp/socket')).toBeNull()
  })
})
