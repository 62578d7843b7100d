#!/usr/bin/env node
import "@parquetry/migrate-cli/command";
