import { describe, expect, it } from 'vitest'
import { bodyParts, boundaryOf, freshBoundary, joinParts, mimeOf } from '../../../src/sip/text/multipart.ts'

const TYPE = 'multipart/mixed; boundary="a b"'
const texts = (type: string, body: string) =>
  bodyParts(type, Buffer.from(body)).map(part => [part.mime, part.content.toString()])

describe('bodyParts', () => {
  it.each([
    ['one body', 'text/plain', 'hello', [['text/plain', 'hello']]],
    ['no body', 'text/plain', '', []],
    [
      'parts',
      TYPE,
      '--a b\r\nContent-Type: x/y;z=1\r\n\r\none\r\n--a b\r\n\r\ntwo\r\n--a b--\r\n',
      [
        ['x/y', 'one'],
        ['', 'two'],
      ],
    ],
    ['bare line feeds', TYPE, '--a b\nContent-Type: X/Y\n\none\n--a b--\n', [['x/y', 'one']]],
    ['text around the parts', TYPE, 'before --a b\r\n--a b\r\n\r\none\r\n--a b--\r\nbehind', [['', 'one']]],
    ['a missing end', TYPE, '--a b\r\n\r\none\r\ntwo', [['', 'one\r\ntwo']]],
    ['a delimiter alone', TYPE, '--a b', []],
    ['no delimiter', TYPE, 'nothing', []],
    ['no boundary', 'multipart/mixed', 'x', [['multipart/mixed', 'x']]],
  ])('%s', (_, type, body, expected) => {
    expect(texts(type, body)).toEqual(expected)
  })

  it('stops looking after many parts', () => {
    expect(bodyParts(TYPE, Buffer.from('--a b\r\n\r\n\r\n'.repeat(5000))).length).toBe(64)
  })
})

it('joinParts is undone by bodyParts, bytes and all', () => {
  const parts = [
    {
      mime: 'application/octet-stream',
      headers: 'Content-Type: application/octet-stream\r\n',
      content: Buffer.from([0, 255, 13, 10, 45, 45]),
    },
    { mime: 'text/plain', headers: 'Content-Type: text/plain\r\n', content: Buffer.from('') },
  ]
  const boundary = freshBoundary(parts)
  expect(bodyParts(`multipart/mixed;boundary=${boundary}`, joinParts(parts, boundary))).toEqual(parts)
})

it('mimeOf and boundaryOf read Content-Type', () => {
  expect([mimeOf(' Text/Plain ; charset=x'), boundaryOf(TYPE), boundaryOf('text/plain;boundary=x')]).toEqual([
    'text/plain',
    'a b',
    null,
  ])
})
