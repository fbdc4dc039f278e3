# MinIO, fake-gcs-server, Azurite and HDFS, which the tests of buckets start by themselves, the emulator fakesnow, dbt-bigquery, the
# jars by which Spark reaches buckets, and Firebird; each is got once, in a cache.
set -eu
. "$(dirname "$0")/programs.sh"

go_program minio github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c
go_program fake-gcs-server github.com/fsouza/fake-gcs-server v1.56.1
node_program azurite 3.35.0
java_program hdfs 3.4.2 org.apache.hadoop hadoop-common hadoop-hdfs hadoop-hdfs-client
python_program fakesnow 0.12.1
python_program dbt-bigquery 1.12.1-streams
for store in s3 azure gcs; do
    java_jars "spark-$store" 1 "$(dirname "$0")/spark_jars/$store.xml"
done
debian_program firebird 3.0 firebird3.0-server firebird3.0-server-core firebird3.0-utils firebird3.0-common \
    libfbclient2 libib-util libtommath1
