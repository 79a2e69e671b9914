"""Reads all runs of a project with the SDK of LangSmith: langsmith_reads.py URL KEY SINCE UNTIL"""
import sys
from datetime import datetime

from langsmith import Client
from langsmith._internal import _v2_migration_utils as second

url, key, since, until = sys.argv[1:]
client = Client(api_url=url, api_key=key)
project = client.read_project(project_name="bot")
flags = client.info.instance_flags
if second.get_query_backend(flags) == second.QueryBackend.CLICKHOUSE_ONLY:
    runs = list(client.list_runs(project_id=project.id, start_time=datetime.fromisoformat(since)))
else:
    pages = client._get_langsmith_api_sync().runs.query_v2(
        project_ids=[str(project.id)], min_start_time=datetime.fromisoformat(since), max_start_time=datetime.fromisoformat(until),
        selects=second._V2_RUN_SELECTS,
    )
    runs = [second._v2_run_to_schema(run) for run in pages]
print(len(runs), sum(run.prompt_tokens or 0 for run in runs if run.run_type == "llm"))
