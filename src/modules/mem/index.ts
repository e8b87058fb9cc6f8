import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional } from '../../module/define.ts'

const pid = optional(arg('pid', 'int', 'Process it is for; there is one.'))
const level = optional(arg('log_level', 'int', 'Not needed: the result is answered.'))

/** Commands that show the memory of the process; part of every configuration. */
export default defineModule(
  {
    name: 'mem',
    doc: 'Commands that show how much memory the proxy uses. Always loaded.',
    commands: {
      shm_check: { args: [], doc: 'shows the memory of the process', aliases: ['mem_shm_check', 'shm_check'] },
      pkg_dump: { args: [pid, level], doc: 'shows the JavaScript heap, space by space', aliases: ['mem_pkg_dump'] },
      shm_dump: { args: [level], doc: 'shows the memory of the process, part by part', aliases: ['mem_shm_dump'] },
      rpm_dump: { args: [level], doc: 'persistent memory: there is none', aliases: ['mem_rpm_dump'] },
    },
  },
  () => ({
    commands: {
      shm_check: () => {
        const { rss, heapUsed } = process.memoryUsage()
        return { total_size: rss, used_size: heapUsed }
      },
      pkg_dump: ({ pid: wanted }) => {
        if (wanted !== undefined && wanted !== process.pid) throw new MiError(404, 'Process not found')
        const { total_heap_size: total, used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
        const spaces = getHeapSpaceStatistics().map(space => ({
          name: space.space_name,
          size: space.space_size,
          used: space.space_used_size,
        }))
        return { total_size: total, used_size: used, limit, Spaces: spaces }
      },
      shm_dump: () => {
        const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
        return { total_size: rss, heap: heapTotal, heap_used: heapUsed, external, buffers: arrayBuffers }
      },
      rpm_dump: () => 'OK',
    },
  }),
)
