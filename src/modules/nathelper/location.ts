import type { ModuleApis } from '../../module/define.ts'

/** The location store as the pings see it. */
export type Location = ModuleApis['usrloc']
export type Domain = ReturnType<Location['domain']>
export type Contact = ReturnType<Domain['contacts']>[number]
