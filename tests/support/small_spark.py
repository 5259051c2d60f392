"""The one session of Spark that the tests of a process share: tuned for tables of some rows."""

MASTER, MEMORY, PARTITIONS = "local[2]", "1g", 2
CONF = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
# What asks for it in a configuration.
OVERRIDES = [
    "engine=spark",
    f"engine.master={MASTER}",
    f"engine.driver_memory={MEMORY}",
    f"engine.shuffle_partitions={PARTITIONS}",
    "engine.conf={" + ", ".join(f"{key}: '{value}'" for key, value in CONF.items()) + "}",
]
