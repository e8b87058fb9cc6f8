import { describe, expect, it } from 'vitest'
import { commandWords } from '../../../src/modules/cachedb_redis/command-line.ts'
import { parseRedisUrl } from '../../../src/modules/cachedb_redis/redis-url.ts'

describe('parseRedisUrl', () => {
  const bare = { user: undefined, password: undefined, database: 0, tlsDomain: undefined }
  const here = { host: 'localhost', port: 6379 }
  it.each([
    ['redis://localhost', { ...bare, system: 'redis', servers: [here] }],
    ['redis:group1://localhost:6379/', { ...bare, system: 'redis:group1', servers: [here] }],
    [
      'redis:g://:pass@localhost:7000/3',
      { ...bare, system: 'redis:g', servers: [{ host: 'localhost', port: 7000 }], password: 'pass', database: 3 },
    ],
    [
      'redis:g://u:p%40ss@[::1],b:2/?tls_domain=d',
      {
        system: 'redis:g',
        servers: [
          { host: '::1', port: 6379 },
          { host: 'b', port: 2 },
        ],
        user: 'u',
        password: 'p@ss',
        database: 0,
        tlsDomain: 'd',
      },
    ],
  ])('%s', (text, expected) => {
    expect(parseRedisUrl(text)).toEqual(expected)
  })

  it.each([
    'redis',
    'local://',
    'redis://',
    'redis://h:0',
    'redis://h:70000',
    'redis://h/one',
    'redis:a b://h',
    'redis://a,,b',
  ])('refuses %s', text => {
    expect(() => parseRedisUrl(text)).toThrow('cachedb_url')
  })

  it('does not tell the password of a URL that is wrong', () => {
    expect(() => parseRedisUrl('redis://u:secret@h/x')).toThrow(/^(?!.*secret)/)
  })
})

describe('commandWords', () => {
  it.each([
    ['GET a', ['GET', 'a']],
    ['  SET  k "two words" \'a "b"\' ', ['SET', 'k', 'two words', 'a "b"']],
    ['SET k ""', ['SET', 'k', '']],
    ['SET k a\\ b\\"', ['SET', 'k', 'a b"']],
  ])('%s', (text, words) => {
    expect(commandWords(text)).toEqual(words)
  })

  it.each(['', '  ', 'GET "a', "GET 'a"])('refuses %j', text => {
    expect(() => commandWords(text)).toThrow()
  })
})
