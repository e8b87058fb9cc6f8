import { expect, it } from 'vitest'
import { Turns } from '../../src/util/turns.ts'

it('lets so many go at once, the others in their order, and none that has left', () => {
  const turns = new Turns(2)
  const gone: string[] = []
  const take = (name: string) => turns.take(() => void gone.push(name))
  for (const name of ['a', 'b']) take(name)
  const [leaveC] = [take('c'), take('d'), take('e')]
  expect(gone).toEqual(['a', 'b'])
  leaveC?.()
  turns.done()
  expect(gone).toEqual(['a', 'b', 'd'])
  for (let i = 0; i < 3; i++) turns.done()
  take('f')
  take('g')
  take('h')
  expect(gone).toEqual(['a', 'b', 'd', 'e', 'f', 'g'])
})
