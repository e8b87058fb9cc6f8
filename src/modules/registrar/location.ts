import type { ModuleApis } from '../../module/define.ts'

/** The location store as the registrar sees it. */
export type Location = ModuleApis['usrloc']
export type Domain = ReturnType<Location['domain']>
export type Contact = ReturnType<Domain['contacts']>[number]
export type ContactData = Parameters<Domain['insert']>[1]
export type MatchingMode = Location['matching']
