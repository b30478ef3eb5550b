import { describeMinimalApp } from '../support/minimal-app.ts'

describeMinimalApp('fastify')
