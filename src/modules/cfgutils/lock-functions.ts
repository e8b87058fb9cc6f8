import { arg, functionGroup } from '../../module/define.ts'
import { Locks } from './locks.ts'

const key = arg('key', 'str', 'Name of the lock.')
const GOT = '1, when the lock is free; −1 the message has it already'
const RELEASED = '1; −1 nobody has the lock'

/** Functions that keep messages from doing the same at the same time. */
export const lockFunctions = functionGroup(
  {
    get_static_lock: { args: [key], routes: 'any', returns: GOT, doc: 'Takes a lock named in the script.' },
    release_static_lock: { args: [key], routes: 'any', returns: RELEASED, doc: 'Gives a lock up.' },
    get_dynamic_lock: { args: [key], routes: 'any', returns: GOT, doc: 'Takes a lock named by a variable.' },
    release_dynamic_lock: { args: [key], routes: 'any', returns: RELEASED, doc: 'Gives a lock up.' },
    strings_share_lock: {
      args: [arg('key1', 'str', 'A name.'), arg('key2', 'str', 'Another.')],
      routes: 'any',
      returns: '1 they name the same lock; −1 they do not',
      doc: 'Whether two names stand for one lock: here only equal ones do.',
    },
  },
  ({ host, log }) => {
    const locks = new Locks(log)
    host.proxy.hooks.afterRequest(m => locks.releaseAll(m))
    return {
      get_static_lock: name => m => locks.get(m, name.read(m)),
      release_static_lock: name => m => locks.release(name.read(m)),
      get_dynamic_lock: name => m => locks.get(m, name.read(m)),
      release_dynamic_lock: name => m => locks.release(name.read(m)),
      strings_share_lock: (a, b) => m => (a.read(m) === b.read(m) ? 1 : -1),
    }
  },
)
